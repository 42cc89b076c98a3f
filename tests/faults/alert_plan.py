"""What meters show second by second, and in the plainest words which alerts that must come to."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.migrated import START, Migrated, SmallPlant
from tests.services.alerts import rule, state

SECOND = timedelta(seconds=1)
NOW = START + timedelta(hours=9, minutes=20)
METERS = 10
FOR_S, KEEP_S = 3, 2
LIMIT = 100.0
RULE = rule(
    "high",
    f"power_kw{{flow}} > {LIMIT}",
    **{"for": f"{FOR_S}s", "keep_firing_for": f"{KEEP_S}s"},
)
FLOWS = [f"to-hall-P{meter}" for meter in range(METERS)]


@dataclass(frozen=True)
class Episode:
    """An alert: of which flow, and from when to when; None: it fires still."""

    flow: str
    active_at: datetime
    fired_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class Plan:
    """What each meter shows each second, and how often something is killed then."""

    powers: list[list[float]]
    kills: list[int]

    def payload(self, second: int) -> dict[str, Any]:
        """Return what a live event tells of a second."""
        return {"flow": {"code": FLOWS, "power_kw": self.powers[second]}}


def plan(seconds: int, kill_count: int, *, seed: int) -> Plan:
    """Return what a seed says."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    powers: list[list[float]] = []
    above = [False] * METERS
    for _ in range(seconds):
        above = [one != (draw.random() < 0.2) for one in above]
        powers.append([draw.uniform(101, 200) if one else draw.uniform(0, 99) for one in above])
    kills = [0] * seconds
    for _ in range(kill_count):
        kills[draw.randrange(seconds)] += 1
    return Plan(powers, kills)


def expected(plan: Plan) -> list[Episode]:
    """Return the episodes: of each meter, second by second, in the plainest words."""
    found: list[Episode] = []
    for meter in range(METERS):
        active = fired = quiet = None
        for second, powers in enumerate(plan.powers):
            is_above = powers[meter] > LIMIT
            if fired is None:
                active = (second if active is None else active) if is_above else None
                if active is not None and second - active >= FOR_S:
                    fired = second
            else:
                quiet = None if is_above else (second if quiet is None else quiet)
                if quiet is not None and second - quiet >= KEEP_S:
                    found.append(_episode(meter, active, fired, second))
                    active = fired = quiet = None
        if fired is not None:
            found.append(_episode(meter, active, fired, None))
    return sorted(found, key=lambda one: (one.flow, one.active_at))


def _episode(meter: int, active: int | None, fired: int, resolved: int | None) -> Episode:
    assert active is not None
    return Episode(
        FLOWS[meter],
        NOW + active * SECOND,
        NOW + fired * SECOND,
        None if resolved is None else NOW + resolved * SECOND,
    )


def describe(migrated: Migrated) -> int:
    """Describe the plant of the plan and state its rule; return the number of the site."""
    points = [{"code": f"P{meter}", "kind": "gauge", "unit": "kW"} for meter in range(METERS)]
    migrated.install(SmallPlant(points=points).plant())
    state(migrated.url, RULE)
    [(site_id,)] = migrated.rows("select id from site")
    return int(site_id)


def assert_kept(migrated: Migrated, oracle: Sequence[Episode]) -> None:
    """Compare what is stored, told on the event log and noted with what it must be."""
    stored = migrated.rows(
        "select labels ->> 'flow', active_at, fired_at, resolved_at from alert_episode"
        " where rule = 'high' order by 1, 2"
    )
    assert [Episode(*row) for row in stored] == oracle
    told = migrated.rows(
        "select payload ->> 'change', payload -> 'labels' ->> 'flow', at from event"
        " where kind = 'alert' and payload ->> 'alertname' = 'high'"
    )
    assert sorted(told) == sorted(
        [("fired", one.flow, one.fired_at) for one in oracle]
        + [("resolved", one.flow, one.resolved_at) for one in oracle if one.resolved_at is not None]
    )
    noted = migrated.rows(
        "select n.kind, count(*) from alert_note n join alert_episode e on e.id = n.episode_id"
        " where e.rule = 'high' and n.kind in ('fired', 'resolved') group by 1 order by 1"
    )
    over = sum(one.resolved_at is not None for one in oracle)
    assert noted == [("fired", len(oracle)), ("resolved", over)]
