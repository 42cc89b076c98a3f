"""Results of virtual meters are series of a kind of their own."""

from alembic import op

from services.store.migrations import read_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Take the kind `virtual` into the list of kinds."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0005_virtual.sql"))
