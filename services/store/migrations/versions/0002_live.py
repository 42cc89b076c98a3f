"""Live values: found and trimmed by site, sent to parks and to the broker."""

from alembic import op

from services.store.migrations import read_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add an index and the grants that live values need."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0002_live.sql"))
