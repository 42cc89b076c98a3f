"""Factors of a grid hour by hour."""

from alembic import op

from services.store.migrations import read_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table of hourly factors."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0015_hourly_factor.sql"))
