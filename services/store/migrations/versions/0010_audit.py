"""Data audit: what fails a check, and what people decide about it."""

from alembic import op

from services.store.migrations import read_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add findings and decisions."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0010_audit.sql"))
