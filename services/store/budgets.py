"""Budgets as rows: only ever added, the highest revision of a period holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from compute.periods import Grain
from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

BudgetPeriod = Literal["day", "month", "year"]
# How the column `grain` says the period; results have no grain of a year.
GRAINS: dict[BudgetPeriod, int] = {
    "day": int(Grain.DAY),
    "month": int(Grain.MONTH),
    "year": int(Grain.MONTH) + 1,
}
PERIODS: dict[int, BudgetPeriod] = {grain: period for period, grain in GRAINS.items()}


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """How much of a quantity a node may use in a period, as it was stated; None: withdrawn."""

    node: str
    quantity: str
    grain: int
    start_ts: datetime
    revision: int
    amount: float | None
    reason: str
    stated_at: datetime
    stated_by: str


async def lock(connection: Connection, site_id: int) -> None:
    """Wait until no other transaction states budgets of this site."""
    await connection.execute(query("budget_lock"), (site_id,))


async def list_rows(
    connection: Connection, site_id: int, *, start: datetime, end: datetime
) -> list[BudgetRow]:
    """Return every statement of periods that begin in [start, end)."""
    return await fetch_all(connection, BudgetRow, "budget_list", (site_id, start, end))


async def add_row(
    connection: Connection,
    *,
    tenant_id: int,
    site_id: int,
    node: str,
    quantity: str,
    grain: int,
    start: datetime,
    amount: float | None,
    reason: str,
    actor: str,
) -> BudgetRow:
    """Add the next revision of a budget; the caller holds the lock."""
    row = await fetch_one(
        connection,
        BudgetRow,
        "budget_add",
        (tenant_id, site_id, node, quantity, grain, start, amount, reason, actor),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


def holding(rows: list[BudgetRow]) -> list[BudgetRow]:
    """Return what holds: of each period the highest revision, unless withdrawn."""
    newest = {(row.node, row.quantity, row.grain, row.start_ts): row for row in rows}
    return [row for row in newest.values() if row.amount is not None]
