"""Alerts of the demo: the ready-made rules, one that over-emission sets off at once, budgets."""

from datetime import time, timedelta
from pathlib import Path

from compute.periods import Grain, floor_to
from services import alert_groups, budgets, clock
from services.accounts import Principal
from services.plant.model import Plant
from services.store.budgets import BudgetPeriod
from services.store.pool import Database

OWN_RULES = Path(__file__).parent / "plants" / "demo-alerts.json"
# What the foundry gives off on a brisk day, and in a month of them: period, for so many days from
# now on, amount. [tCO2e]
_BUDGETS: tuple[tuple[BudgetPeriod, Grain, int, float], ...] = (
    ("day", Grain.DAY, 31, 110.0),
    ("month", Grain.MONTH, 1, 3_300.0),
)
_REASON = "演示值 a value of the demonstration"


async def state_alerts(database: Database, plant: Plant, principal: Principal) -> None:
    """State rules and budgets of a plant, as its energy manager would."""
    groups = {
        group.name: group.model_dump_json(by_alias=True, exclude_none=True).encode()
        for group in alert_groups.list_ready_made()
    }
    groups["demo"] = OWN_RULES.read_bytes()
    for name, content in groups.items():
        await alert_groups.state_group(
            database,
            tenant_id=principal.tenant_id,
            tenant_code=principal.tenant_code,
            actor=principal.actor,
            group=name,
            content=content,
        )
    for period, grain, day_count, amount in _BUDGETS:
        for day in range(day_count):
            start = floor_to(
                clock.now() + timedelta(days=day),
                grain=grain,
                time_zone=plant.time_zone,
                day_start=time.fromisoformat(plant.day_start),
                base_interval_us=plant.base_interval_minutes * 60_000_000,
            )
            await budgets.state_budget(
                database,
                tenant_id=principal.tenant_id,
                actor=principal.actor,
                site=plant.site,
                node="",
                quantity="emission_tco2e",
                period=period,
                start=start,
                amount=amount,
                reason=_REASON,
            )
