"""What Grafana reads: a role per tenant, and barrier views whose predicate is on the role."""

from alembic import op

from services.store.migrations import read_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables that name the roles, and the views."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0003_grafana.sql"))
