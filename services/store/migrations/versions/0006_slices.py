"""The worker shortens the mark of a whole site as it goes through it."""

from alembic import op

from services.store.migrations import read_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Let the worker change what it takes off."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0006_slices.sql"))
