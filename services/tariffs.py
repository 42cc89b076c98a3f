"""电价与能源价格 tariffs: what was stated, stating a version of a day, withdrawing one.

Versions are only ever added: an old month keeps the price that held then, a corrected version
takes the place of the one of its day, and both can be read.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import msgspec

from services import totals
from services.plant.findings import PlantInvalid
from services.plant.model import Flow, Plant
from services.plant.read import read_tariff_version
from services.plant.state_tariff import document_of, state_version
from services.refusal import NotFound, Refusal
from services.store import tariffs as store
from services.store import topology
from services.store.pool import Connection, Database
from services.store.tariffs import Target, TargetKind, TariffRow
from services.totals import SiteState

_US_PER_MINUTE = 60_000_000


class TariffInvalid(PlantInvalid):
    """A version of a tariff cannot be taken; `findings` says everything that is wrong with it."""


class TargetUnclear(Refusal):
    """Not exactly one of flow and carrier."""

    code: ClassVar[str] = "invalid"


@dataclass(frozen=True, slots=True)
class Stated:
    """What stating a version did; `changed` is False where it holds already."""

    target: Target
    valid_from: date
    revision: int
    changed: bool


@dataclass(frozen=True, slots=True)
class TariffsAnswer:
    """Every statement of a site, and which of them hold."""

    state: SiteState
    rows: list[TariffRow]
    holding: frozenset[tuple[Target, date, int]]


async def list_tariffs(database: Database, *, tenant_id: int, site: str) -> TariffsAnswer:
    """Return every version ever stated, by target, day and revision.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await store.list_rows(connection, state.site.id)
    held = store.holding(rows)
    return TariffsAnswer(
        state=state,
        rows=rows,
        holding=frozenset(
            (target, row.valid_from, row.revision) for target in held for row in held[target]
        ),
    )


def target_of(*, flow: str | None, carrier: str | None) -> Target:
    """Return what a tariff is of.

    Raises
    ------
    TargetUnclear
        If neither is named, or both.
    """
    named: list[tuple[TargetKind, str | None]] = [("flow", flow), ("carrier", carrier)]
    given: list[Target] = [(kind, code) for kind, code in named if code is not None]
    if len(given) != 1:
        raise TargetUnclear(
            "give one of flow and carrier", "请给出 flow 与 carrier 之一", pointer="flow"
        )
    return given[0]


async def state(
    database: Database, *, tenant_id: int, actor: str, site: str, target: Target, content: bytes
) -> Stated:
    """Add a version of a tariff; it takes the place of one of the same day.

    Raises
    ------
    NotFound
        If the tenant has no such site, or its newest description no such flow or carrier.
    TariffInvalid
        If the version cannot be taken; with every finding.
    """
    async with database.transaction(tenant_id) as connection:
        described, plant = await _described(connection, tenant_id, site)
        carrier = _carrier(plant, target)
        minutes = described.base_interval_us // _US_PER_MINUTE
        try:
            version = read_tariff_version(content, carrier=carrier, minutes=minutes)
        except PlantInvalid as invalid:
            raise TariffInvalid(invalid.findings) from invalid
        document = document_of(version)
        row = await state_version(
            connection,
            site=described,
            target=target,
            valid_from=version.valid_from,
            document=document,
            actor=actor,
        )
        return await _stated(connection, described, target, version.valid_from, row)


async def withdraw(
    database: Database, *, tenant_id: int, actor: str, site: str, target: Target, valid_from: date
) -> Stated:
    """Take a version back, as if it had never been stated; it stays readable.

    Raises
    ------
    NotFound
        If the tenant has no such site, or no version of that day holds.
    """
    async with database.transaction(tenant_id) as connection:
        described, _ = await _described(connection, tenant_id, site)
        row = await state_version(
            connection,
            site=described,
            target=target,
            valid_from=valid_from,
            document=None,
            actor=actor,
        )
        if row is None:
            raise NotFound("tariff")
        return await _stated(connection, described, target, valid_from, row)


async def _stated(
    connection: Connection,
    site: topology.Site,
    target: Target,
    valid_from: date,
    row: TariffRow | None,
) -> Stated:
    if row is not None:
        return Stated(target, valid_from, row.revision, changed=True)
    held = store.holding(await store.list_rows(connection, site.id))[target]
    revision = next(it.revision for it in held if it.valid_from == valid_from)
    return Stated(target, valid_from, revision, changed=False)


async def _described(
    connection: Connection, tenant_id: int, site: str
) -> tuple[topology.Site, Plant]:
    found = await topology.find_site(connection, tenant_id=tenant_id, code=site)
    newest = None if found is None else await topology.newest_version(connection, found.id)
    if found is None or newest is None:
        raise NotFound("site")
    return found, Plant.model_validate_json(msgspec.json.encode(newest[0].document))


def _carrier(plant: Plant, target: Target) -> str:
    """Return the carrier that is priced."""
    kind, code = target

    def named(flow: Flow) -> bool:
        return code == (flow.code if kind == "flow" else flow.carrier)

    flow = next(filter(named, plant.flows), None)
    if flow is None:
        raise NotFound(kind)
    return flow.carrier
