"""Tariffs: dated versions of what energy costs, per flow or carrier of a site."""

from alembic import op

from services.store.migrations import read_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table of tariff versions, of its own tenant alone."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0007_tariff.sql"))
