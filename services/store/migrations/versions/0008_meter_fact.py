"""Dated facts of points and meters, beside the plant description."""

from alembic import op

from services.store.migrations import read_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make room for facts, and for marks of what they touch."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0008_meter_fact.sql"))
