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

    def base(self) -> dict[datetime, Decimal]:
        """Return the energy of every base interval that anything is known of.

        Between two readings it passes steadily.
        """
        sums: dict[datetime, Decimal] = {}
        with localcontext(prec=_DIGITS):
            for (a, energy_a), (b, energy_b) in self._steps():
                for at in _intervals(a, b):
                    part = min(b, at + BASE) - max(a, at)
                    energy = (energy_b - energy_a) * _us(part) / _us(b - a)
                    sums[at] = sums.get(at, Decimal(0)) + energy
        return sums

    def covered(self) -> dict[datetime, timedelta]:
        """Return how much of each base interval lies between two readings of a run."""
        sums: dict[datetime, timedelta] = {}
        for (a, _), (b, _) in self._steps():
            for at in _intervals(a, b):
                part = min(b, at + BASE) - max(a, at)
                sums[at] = sums.get(at, timedelta(0)) + part
        return sums

    def _steps(self) -> Iterator[tuple[Known, Known]]:
        for run in self.runs:
            yield from pairwise(run)

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
        for at, energy in self.base().items():
            period = period_of(at)
            sums[period] = sums.get(period, Decimal(0)) + energy
        return sums


def _intervals(a: datetime, b: datetime) -> Iterator[datetime]:
    """Yield every base interval that touches [a, b)."""
    at = a - (a - _EPOCH) % BASE
    while at < b:
        yield at
        at += BASE


def _us(span: timedelta) -> Decimal:
    return Decimal(span // _MICROSECOND)


def _hour_start(at: datetime, zone: str) -> datetime:
    """Return the start in UTC of the clock hour that holds an instant.

    The clock is changed on whole hours in every zone that the tests use.
    """
    local = at.astimezone(ZoneInfo(zone))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at.astimezone(UTC) - past
