"""Marks say once what all of their points share."""

from alembic import op

from services.store.migrations import read_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Say so: a program from before would misread them, and does not start with this revision."""
    op.get_bind().exec_driver_sql(read_sql("migrations/sql/0018_shared_spans.sql"))
