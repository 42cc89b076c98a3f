"""What could not be computed: marked anew by the worker itself, and NaN where Grafana adds up."""

from alembic import op

from services.store.migrations import read_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Let the worker mark what it has to try again; show what is undefined as invalid."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0009_failed.sql"))
