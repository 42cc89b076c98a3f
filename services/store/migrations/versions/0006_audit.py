"""Data audit: what fails a check, and what people decide about it."""

from alembic import op

from services.store.migrations import read_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add findings and decisions."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0006_audit.sql"))
