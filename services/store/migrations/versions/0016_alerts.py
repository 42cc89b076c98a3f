"""Alert rules, their instances and episodes, silences, deliveries, and budgets."""

from alembic import op

from services.store.migrations import read_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables of alerts."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0016_alerts.sql"))
