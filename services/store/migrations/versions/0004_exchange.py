"""An exchanged meter: a second active point of the same address, from another instant on."""

from alembic import op

from services.store.migrations import read_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Let an address belong to one point after the other."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0004_exchange.sql"))
