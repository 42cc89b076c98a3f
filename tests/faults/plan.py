"""What the gateways of a run of kills send: a pure function of a seed, told again by the checker.

Nothing here comes from the project. A register rises steadily in steps of 0.1; the messages of a
block come in any order, a tenth of them say once more what an earlier one said, and now and then
a number of the gateway's is missing: a message that was lost before it was sent.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

START = datetime(2025, 3, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POINTS = ("P1", "P2", "P3")
TENANTS = ("acme", "beta")
BLOCK = 20  # messages that are shuffled among themselves
SPAN = 4  # minutes of every point in a message
BACK = 60  # how far back a repetition reaches

Sent = tuple[str, datetime, Decimal]


@dataclass(frozen=True)
class Planned:
    """One message: its number in the gateway's counting, and its readings."""

    seq: int
    readings: list[Sent]


@dataclass(frozen=True)
class Plan:
    """The messages of one tenant's gateway, without end."""

    seed: int
    tenant: str

    def message(self, number: int) -> Planned:
        """Return the message of a number from 0 on."""
        readings = self._own(number)
        rng = self._rng("repeat", number)
        if rng.random() < 0.1 and number:
            readings += self._own(max(0, number - rng.randrange(1, BACK)))
        return Planned(number + 1 + self.missing_until(number), readings)

    def missing_until(self, number: int) -> int:
        """Return how many numbers of the gateway are missing up to a message."""
        return sum(_misses(self.seed, self.tenant, block) for block in range(number // BLOCK)) + (
            _misses(self.seed, self.tenant, number // BLOCK)
            and number % BLOCK >= _place(self.seed, self.tenant, number // BLOCK)
        )

    def missing(self, count: int) -> list[int]:
        """Return the missing numbers among the first messages, in order."""
        found, before = [], 0
        for number in range(count):
            after = self.missing_until(number)
            if after > before:
                found.append(number + after)
            before = after
        return found

    def _own(self, number: int) -> list[Sent]:
        block, place = divmod(number, BLOCK)
        slot = _order(self.seed, self.tenant, block)[place]
        first = (block * BLOCK + slot) * SPAN
        return [
            (point, START + minute * MINUTE, self._level(point, minute))
            for minute in range(first, first + SPAN)
            for point in POINTS
        ]

    def _level(self, point: str, minute: int) -> Decimal:
        rise = self._rng("rise", point, minute).randrange(3)
        return Decimal(1000 * (POINTS.index(point) + 1) + 3 * minute + rise) / 10

    def _rng(self, *what: object) -> random.Random:
        return _rng(self.seed, self.tenant, *what)


def _rng(*what: object) -> random.Random:
    # Of a text: Python's own hash of one differs from process to process.
    return random.Random(repr(what))  # noqa: S311 - repeatable, not secret


@cache
def _order(seed: int, tenant: str, block: int) -> tuple[int, ...]:
    order = list(range(BLOCK))
    _rng(seed, tenant, "order", block).shuffle(order)
    return tuple(order)


@cache
def _misses(seed: int, tenant: str, block: int) -> bool:
    return _rng(seed, tenant, "missing", block).random() < 0.3


@cache
def _place(seed: int, tenant: str, block: int) -> int:
    # Not the first of all: that a counting began at 2 cannot be told from its beginning there.
    return _rng(seed, tenant, "place", block).randrange(1, BLOCK)
