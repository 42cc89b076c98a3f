"""What was sent and promised, beside what is stored and said: every difference has a name.

The truth is the plan's and the oracle's; of the project only the tables and the API are looked at.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from tests.faults.oracle import Truth
from tests.faults.plan import POINTS, Plan

RELATIVE = 1e-9
SHOWN = 5

Key = tuple[str, datetime]
# What the API says that the hall of a tenant used between two instants. [kWh]
Ask = Callable[[str, datetime, datetime], float | None]


class Told(Protocol):
    """A database that can be asked."""

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class History:
    """What the gateways wrote down."""

    counts: Mapping[str, int]  # messages sent, by tenant
    receipted: Mapping[str, set[int]]  # numbers with a receipt, by tenant
    rejected: Sequence[str]
    origins: Mapping[str, list[str]]  # how the outbox was found, each time it was opened

    @classmethod
    def read(cls, path: Path) -> "History":
        counts: dict[str, int] = {}
        receipted: dict[str, set[int]] = {}
        rejected: list[str] = []
        origins: dict[str, list[str]] = {}
        for line in lines(path):
            tenant = line.get("tenant", "")
            if line["what"] == "put":
                counts[tenant] = max(counts.get(tenant, 0), line["number"] + 1)
            elif line["what"] == "drained":
                counts = line["counts"]
            elif line["what"] == "opened":
                origins.setdefault(tenant, []).append(line["origin"])
            elif line["what"] == "receipt":
                numbers = receipted.setdefault(tenant, set())
                for first, last in line["spans"]:
                    numbers.update(range(first, last + 1))
                rejected += line["rejected"]
        return cls(counts, receipted, rejected, origins)


def lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(text)


@dataclass
class Verdict:
    """Everything that is not as it must be, by its name; none of it in a sound run."""

    found: dict[str, list[object]] = field(default_factory=dict)

    def note(self, name: str, *what: object) -> None:
        self.found.setdefault(name, []).extend(what)

    def __str__(self) -> str:
        """Return each name with its number and first cases."""
        return "; ".join(
            f"{name}: {len(cases)}, such as {cases[:SHOWN]}" for name, cases in self.found.items()
        )


def check(centre: Told, history: History, *, seed: int, ask: Ask, drained: bool = True) -> Verdict:
    """Return what is lost, silent, double, phantom, wrong, or a gap that is missed or false.

    Before everything is drained only what has a receipt is looked for.
    """
    verdict = Verdict()
    verdict.note("rejected", *history.rejected) if history.rejected else None
    for tenant, count in history.counts.items():
        plan = Plan(seed, tenant)
        stored = stored_readings(centre, tenant)
        sent: dict[Key, Decimal] = {}
        promised: set[Key] = set()
        for number in range(count):
            message = plan.message(number)
            sent.update({(point, at): value for point, at, value in message.readings})
            if message.seq in history.receipted.get(tenant, set()):
                promised.update((point, at) for point, at, _ in message.readings)
        _readings(verdict, tenant, sent, promised, stored, drained=drained)
        if drained:
            _ledgers(verdict, centre, tenant, plan, count, len(stored))
            _totals(verdict, centre, tenant, sent, ask)
    return verdict


def stored_readings(centre: Told, tenant: str) -> list[tuple[str, datetime, float]]:
    rows = centre.rows(
        "select p.code, r.ts, r.value from reading r join point p on p.id = r.point_id"
        " join tenant t on t.id = p.tenant_id where t.code = %s",
        tenant,
    )
    return [(code, at.astimezone(UTC), value) for code, at, value in rows]


def _readings(
    verdict: Verdict,
    tenant: str,
    sent: Mapping[Key, Decimal],
    promised: set[Key],
    stored: Sequence[tuple[str, datetime, float]],
    *,
    drained: bool,
) -> None:
    seen = Counter((code, at) for code, at, _ in stored)
    _note(verdict, "double", tenant, [key for key, times in seen.items() if times > 1])
    _note(verdict, "lost", tenant, [key for key in sorted(promised) if key not in seen])
    if drained:
        _note(verdict, "silent", tenant, [key for key in sorted(sent) if key not in seen])
    foreign = [
        (code, at, value)
        for code, at, value in stored
        if (code, at) not in sent or float(sent[code, at]) != value
    ]
    # A message that the killed gateway put and did not note is sent all the same.
    if drained:
        _note(verdict, "phantom", tenant, foreign)


def _note(verdict: Verdict, name: str, tenant: str, cases: Sequence[object]) -> None:
    if cases:
        verdict.note(name, *((tenant, case) for case in cases))


def _ledgers(
    verdict: Verdict, centre: Told, tenant: str, plan: Plan, count: int, stored_count: int
) -> None:
    """Compare the counts of the hours and the reported gaps."""
    [(received, stored, duplicate, conflict, quarantined)] = centre.rows(
        "select sum(received)::int, sum(stored)::int, sum(duplicate)::int, sum(conflict)::int,"
        " sum(quarantined)::int from ingest_hour h join tenant t on t.id = h.tenant_id"
        " where t.code = %s",
        tenant,
    )
    if received != stored + duplicate + conflict + quarantined or stored != stored_count:
        verdict.note("ledger", (tenant, received, stored, duplicate, conflict, quarantined))
    if conflict or quarantined:
        verdict.note("set aside", (tenant, conflict, quarantined))
    reported = {
        seq
        for first, last in centre.rows(
            "select first_seq, last_seq from sequence_gap g join tenant t on t.id = g.tenant_id"
            " where t.code = %s",
            tenant,
        )
        for seq in range(first, last + 1)
    }
    injected = set(plan.missing(count))
    _note(verdict, "gap missed", tenant, sorted(injected - reported))
    _note(verdict, "gap false", tenant, sorted(reported - injected))


def _totals(
    verdict: Verdict, centre: Told, tenant: str, sent: Mapping[Key, Decimal], ask: Ask
) -> None:
    """Compare every stored figure of every point, and what the API says of the hall."""
    truths = {
        point: Truth([sorted((at, value) for (code, at), value in sent.items() if code == point)])
        for point in POINTS
    }
    for point, truth in truths.items():
        for grain, sums in ((0, truth.base()), (1, truth.by_hour("UTC"))):
            found = amounts(centre, tenant, "point", point, grain)
            _compare(verdict, (tenant, point, grain), found, sums)
        for grain, by_date in ((2, truth.by_day("UTC")), (3, truth.by_month("UTC"))):
            found = amounts(centre, tenant, "point", point, grain)
            by_start = {
                datetime(day.year, day.month, day.day, tzinfo=UTC): energy
                for day, energy in by_date.items()
            }
            _compare(verdict, (tenant, point, grain), found, by_start)
    first = min(at for _, at in sent)
    days = -(-(max(at for _, at in sent) - first) // timedelta(days=1)) or 1
    whole = sum((truth.total() for truth in truths.values()), Decimal(0))
    said = ask(tenant, _midnight(first), _midnight(first) + (days + 1) * timedelta(days=1))
    if not _near(said, whole):
        verdict.note("wrong", (tenant, "api", said, whole))


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def amounts(centre: Told, tenant: str, kind: str, code: str, grain: int) -> dict[datetime, float]:
    rows = centre.rows(
        "select r.ts, r.amount from result r join series s on s.id = r.series_id"
        " join tenant t on t.id = s.tenant_id where t.code = %s and s.kind = %s and s.code = %s"
        " and r.grain = %s and r.amount is not null",
        *(tenant, kind, code, grain),
    )
    return {at.astimezone(UTC): amount for at, amount in rows}


def _compare(
    verdict: Verdict,
    what: tuple[object, ...],
    found: Mapping[datetime, float],
    truth: Mapping[datetime, Decimal],
) -> None:
    wrong = [
        (*what, at, found.get(at), truth.get(at))
        for at in sorted(found.keys() | truth.keys())
        if at not in found or at not in truth or not _near(found[at], truth[at])
    ]
    if wrong:
        verdict.note("wrong", *wrong)


def _near(found: float | None, truth: Decimal) -> bool:
    return found is not None and abs(found - float(truth)) <= RELATIVE * max(1.0, abs(float(truth)))
