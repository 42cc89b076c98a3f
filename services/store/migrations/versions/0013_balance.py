"""Reconciled balances and the carbon that flows through a site, one row per interval."""

from alembic import op

from services.store.migrations import read_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables of balances and carbon flows."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0013_balance.sql"))
