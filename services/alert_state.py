"""What a worker holds of a tenant's alerts: rules over sites, and where each instance stands."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compute.alert import NEVER_US, AlertState, States
from compute.periods import to_us
from compute.topology import Float1D
from services.alert_cells.site import SiteCells
from services.alert_cells.wanted import Wanted
from services.alert_rules.compile import CompiledRules
from services.alert_rules.facts import Facts
from services.site_model import Described, SiteModel
from services.store.alerts import InstanceRow

# Nobody knows what held in a longer time without evaluation: a hold begins anew after it.
GAP_US = 60_000_000
_PENDING = int(AlertState.PENDING)


@dataclass(slots=True)
class Known:
    """The instances of a tenant as the last commit left them.

    Attributes
    ----------
    states : States
    episode_id : (n,) int64
        0: it does not fire.
    worst, sign : (n,) float64
        How far the value of a firing one has gone, and which way is worse: 1 up, -1 down.
    worst_written : (n,) float64
        As it stands in the database.
    """

    states: States
    episode_id: np.ndarray[tuple[int], np.dtype[np.int64]]
    worst: Float1D
    sign: Float1D
    worst_written: Float1D

    @classmethod
    def blank(cls, count: int) -> "Known":
        """Return instances of which nothing is known."""
        nothing = (np.full(count, np.nan) for _ in range(3))
        return cls(States.inactive(count), np.zeros(count, dtype=np.int64), *nothing)


@dataclass(slots=True)
class Compiled:
    """Rules over sites as they are described now."""

    mark: int
    described: Mapping[str, tuple[SiteModel, Described]]
    failed: frozenset[str]
    facts: Facts
    rules: CompiledRules
    revisions: Mapping[tuple[str, str], int]
    sites: dict[str, SiteCells]
    service: list[Wanted]
    values: Float1D

    def is_of(
        self,
        mark: int,
        described: Mapping[str, tuple[SiteModel, Described]],
        failed: frozenset[str],
    ) -> bool:
        """Return whether the same rules and descriptions would be compiled again."""
        return (
            self.mark == mark
            and self.failed == failed
            and self.described.keys() == described.keys()
            and all(
                mine is other
                for code, pair in described.items()
                for mine, other in zip(self.described[code], pair, strict=True)
            )
        )


def restore(known: Known, i: int, row: InstanceRow) -> None:
    """Put an instance where its row says it stands."""
    known.states.state[i] = row.state
    known.states.active_us[i] = to_us(row.active_at)
    known.states.fired_us[i] = NEVER_US if row.fired_at is None else to_us(row.fired_at)
    known.states.keep_since_us[i] = NEVER_US if row.keep_since is None else to_us(row.keep_since)
    known.states.evaluated_us[i] = to_us(row.evaluated_at)
    known.episode_id[i] = row.episode_id or 0


def after_gaps(states: States, now_us: int) -> States:
    """Return states as they are after a long time without evaluation: holds begin anew.

    Whether a condition held all that time nobody has seen. A clock that was set back by more than
    that is no reason to wait until it has caught up.
    """
    seen = states.evaluated_us != NEVER_US
    away_us = np.where(seen, np.abs(now_us - np.where(seen, states.evaluated_us, now_us)), 0)
    is_gap = away_us > GAP_US
    if not is_gap.any():
        return states
    waits = is_gap & (states.state == _PENDING)
    keeps = is_gap & (states.keep_since_us != NEVER_US)
    return states._replace(
        active_us=np.where(waits, now_us, states.active_us),
        keep_since_us=np.where(keeps, now_us, states.keep_since_us),
        evaluated_us=np.where(is_gap, now_us, states.evaluated_us),
    )


def direction(value: float | None, limit: float | None) -> float:
    """Return which way is worse: 1 up, -1 down."""
    return -1.0 if value is not None and limit is not None and value < limit else 1.0
