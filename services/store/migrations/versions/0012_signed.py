"""Gateways that sign their messages."""

from alembic import op

from services.store.migrations import read_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let a gateway be one that signs."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0012_signed.sql"))
