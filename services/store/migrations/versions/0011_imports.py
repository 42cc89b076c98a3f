"""Files of readings: sent, checked, taken, and taken back by revisions beside the readings."""

from alembic import op

from services.store.migrations import read_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables of imports, and let the views show what stands."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0011_imports.sql"))
