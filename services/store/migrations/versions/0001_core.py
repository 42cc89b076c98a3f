"""The first schema: tenants, plants, people, ledgers, readings and results."""

from alembic import op

from services.store.migrations import read_sql, tier_of

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; the two large ones as the server's tier has them."""
    connection = op.get_bind()
    tier = tier_of(connection)
    if tier == "timescaledb":
        connection.exec_driver_sql("create extension if not exists timescaledb")
    connection.exec_driver_sql(read_sql("migrations/sql/0001_core.sql"))
    connection.exec_driver_sql(read_sql(f"tiers/{tier}.sql"))
    connection.exec_driver_sql(read_sql("migrations/sql/0001_views.sql"))
    connection.exec_driver_sql(
        "grant select on alembic_version"
        " to nengtan_admin, nengtan_ingest, nengtan_worker, nengtan_api"
    )
