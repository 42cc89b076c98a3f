"""What a meter truly passed: decimals, lists and the calendar of the standard library alone.

Nothing here comes from the project, and nothing decides what a reading means: the history that made
the readings knows which of them are true. `Truth` is told so, and adds up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

BASE = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 60  # a third of a decimal does not end; sixty digits of it are enough
_MICROSECOND = timedelta(microseconds=1)

Known = tuple[datetime, Decimal]
Period = TypeVar("Period")


@dataclass(frozen=True)
class Truth:
    """Runs of true readings of one meter, as the energy since any beginning.

    Within a run each reading says what passed since the one before it. What passed between two
    runs is not known, and counts for nothing.
    """

    runs: Sequence[Sequence[Known]]

    def energy(self, start: datetime, end: datetime) -> Decimal | None:
        """Return what passed in [start, end), steadily between two readings; None: unknown."""
        with localcontext(prec=_DIGITS):
            parts = [
                (energy_b - energy_a) * _us(min(b, end) - max(a, start)) / _us(b - a)
                for run in self.runs
                for (a, energy_a), (b, energy_b) in pairwise(run)
                if min(b, end) > max(a, start)
            ]
            return sum(parts, Decimal(0)) if parts else None

    def covered(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of [start, end) lies between two readings of a run."""
        spans = [
            min(run[-1][0], end) - max(run[0][0], start)
            for run in self.runs
            if len(run) > 1 and min(run[-1][0], end) > max(run[0][0], start)
        ]
        return sum(spans, timedelta(0))

    def base(self) -> Iterator[tuple[datetime, Decimal]]:
        """Yield every base interval that anything is known of, and its energy."""
        instants = [at for run in self.runs for at, _ in run]
        at = min(instants) - (min(instants) - _EPOCH) % BASE
        while at < max(instants):
            energy = self.energy(at, at + BASE)
            if energy is not None:
                yield at, energy
            at += BASE

    def by_hour(self, zone: str) -> dict[datetime, Decimal]:
        """Return the energy of each clock hour of a zone, by its start in UTC."""
        return self._sums(lambda at: _hour_start(at, zone))

    def by_day(self, zone: str) -> dict[date, Decimal]:
        """Return the energy of each calendar day of a zone."""
        return self._sums(lambda at: at.astimezone(ZoneInfo(zone)).date())

    def by_month(self, zone: str) -> dict[date, Decimal]:
        """Return the energy of each calendar month of a zone, by its first day."""
        return self._sums(lambda at: at.astimezone(ZoneInfo(zone)).date().replace(day=1))

    def total(self) -> Decimal:
        """Return everything that is known."""
        return sum((run[-1][1] - run[0][1] for run in self.runs), Decimal(0))

    def _sums(self, period_of: Callable[[datetime], Period]) -> dict[Period, Decimal]:
        sums: dict[Period, Decimal] = {}
        for at, energy in self.base():
            period = period_of(at)
            sums[period] = sums.get(period, Decimal(0)) + energy
        return sums


def _us(span: timedelta) -> Decimal:
    return Decimal(span // _MICROSECOND)


def _hour_start(at: datetime, zone: str) -> datetime:
    """Return the start in UTC of the clock hour that holds an instant.

    The clock is changed on whole hours in every zone that the tests use.
    """
    local = at.astimezone(ZoneInfo(zone))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at.astimezone(UTC) - past
