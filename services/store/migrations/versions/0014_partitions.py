"""Partitions are attached, so that whoever reads and writes meanwhile does not wait."""

from alembic import op

from services.store.migrations import read_sql, tier_of

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Replace the function of plain PostgreSQL; hypertables make their own chunks."""
    connection = op.get_bind()
    if tier_of(connection) == "plain":
        connection.exec_driver_sql(read_sql("migrations/sql/0014_partitions.sql"))
