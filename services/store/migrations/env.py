"""Where alembic starts: one connection, one transaction per step, one migrator at a time."""

from alembic import context
from sqlalchemy import create_engine, event, pool, text

from services.crash import crash_point

url = context.config.attributes["url"]
engine = create_engine(url, poolclass=pool.NullPool)
event.listen(engine, "after_cursor_execute", lambda *_: crash_point("migration_statement"))
with engine.connect() as connection:
    # Two migrators wait for each other; the second finds nothing to do.
    connection.execute(text("select pg_advisory_lock(hashtext('nengtan.migrate'))"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
