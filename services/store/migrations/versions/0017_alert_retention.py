"""The worker forgets deliveries that ended long ago."""

from alembic import op

from services.store.migrations import read_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Let the worker delete deliveries, and find the old ones."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0017_alert_retention.sql"))
