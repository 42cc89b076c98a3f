"""The register of meters, how well a site is provided with them, and dated facts of their lives."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from api.dependencies import Code, Instant, Now, Schema, SiteInPath, Store, Text
from api.schema import Answer, about
from api.security import Who, needs
from services import meter_life, meter_register

router = APIRouter(tags=["计量器具 meters"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["计量器具 meters"], dependencies=[Depends(needs("plant.write"))])

At = Annotated[Instant | None, Query(description="时刻，省略为当前 / Instant; now if left out")]
PointInPath = Annotated[Code, Path(description="测点编码 / Code of the point")]
MeterInPath = Annotated[Code, Path(description="表计编码 / Code of the meter")]
FactInPath = Annotated[int, Path(ge=1, lt=2**31, description="编号 / Number of the fact")]


class RegisteredPoint(Schema):
    """What holds of a point, and since when."""

    code: str
    kind: Literal["register", "gauge", "interval"]
    unit: str
    multiplier: float = Field(description="倍率 / CT × PT, or the worth of a pulse")
    integer_digits: int | None
    decimal_digits: int | None
    since: datetime = Field(description="现行倍率与位数的起始 / Since when this holds")
    ended_at: datetime | None = Field(description="停用时刻 / When it was retired")
    change_count: int


class RegisteredMeter(Schema):
    """A meter and its newest calibration."""

    code: str
    name_zh: str
    name_en: str
    gateway: str
    node: str | None
    model: str | None
    serial_number: str | None
    accuracy_class: str | None
    certificate: str | None = Field(description="检定证书编号 / Number of the certificate")
    calibrated_on: date | None
    calibration_due: date | None = Field(description="最后有效日 / The last good day")
    overdue: bool | None = Field(description="检定过期；无期限为 null / null: no due day known")
    in_use: bool
    points: list[RegisteredPoint]


class Register(Answer):
    """The register of meters (计量器具台账) on a day."""

    day: date
    meters: list[RegisteredMeter]
    overdue_count: int = Field(description="在用且检定过期 / In use, and overdue")


class Provision(Schema):
    """How many places of a level and kind of energy have a meter (配备率)."""

    level: Literal["unit", "secondary", "equipment"] = Field(
        description="unit 进出用能单位 | secondary 进出主要次级用能单位 | equipment 主要用能设备"
    )
    energy: str
    energy_zh: str
    energy_en: str
    needed_count: int
    fitted_count: int
    share: float
    required_share: float | None = Field(description="标准未要求为 null / null: none required")
    meets: bool | None
    confidence: str | None = Field(description="recalled: 未与标准原文核对 / not compared")
    source: str | None
    lacking: list[str] = Field(description="未装表的能流 / Flows without a meter")


class Provisions(Answer):
    """Rates of provision (计量器具配备率)."""

    rows: list[Provision]
    levels_undeclared: list[str] = Field(
        description="描述中没有节点标明的级别 / Levels that no node is declared to be of"
    )


class DigitsWanted(Schema):
    """How a register is written."""

    integer: int = Field(ge=1, le=15)
    decimal: int = Field(0, ge=0, le=9)


class ChangeWanted(Schema):
    """What changed in the life of a point; what is not named stays as it was."""

    valid_from: Instant = Field(alias="from")
    multiplier: float | None = Field(None, allow_inf_nan=False)
    digits: DigitsWanted | None = None
    rate_max_per_hour: float | None = Field(None, allow_inf_nan=False)
    last_reading: float | None = Field(
        None, allow_inf_nan=False, description="止码，未乘倍率 / Before the multiplier"
    )
    first_reading: float | None = Field(
        None, allow_inf_nan=False, description="换表后的起码 / Where another register begins"
    )
    serial_number: Text | None = None
    retired: bool = False
    reason: Text = Field(description="原因或单据号 / Why, or the number of a record")


class CalibrationWanted(Schema):
    """A calibration and its certificate."""

    certificate: Text
    calibrated_on: date
    due: date = Field(description="最后有效日 / The last good day")
    accuracy_class: Text | None = None
    reason: Text | None = None


class WithdrawalWanted(Schema):
    """Why a fact was wrong."""

    reason: Text


class Fact(Schema):
    """A dated fact as it was entered, and who withdrew it, if anybody did."""

    id: int
    kind: Literal["change", "calibration"]
    code: str = Field(description="测点或表计 / Of the point or meter")
    valid_from: datetime
    fact: dict[str, Any]
    created_by: str
    created_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


class Facts(Answer):
    """The dated facts of a site."""

    facts: list[Fact]


@router.get(
    "/sites/{site}/meter-register",
    operation_id="get_meter_register",
    summary="计量器具台账 / Register of meters",
)
async def get_register(
    site: SiteInPath, principal: Who, database: Store, at: At = None
) -> Register:
    """Return every meter with class, certificate and due day, and what holds of its points.

    返回计量器具台账：准确度等级、检定证书与有效期、现行倍率与位数。
    """
    answer = await meter_register.read_register(
        database, tenant_id=principal.tenant_id, site=site, at=at
    )
    return Register.model_validate(
        {
            **about(answer.state),
            "day": answer.day,
            "meters": answer.meters,
            "overdue_count": sum(bool(m.overdue and m.in_use) for m in answer.meters),
        }
    )


@router.get(
    "/sites/{site}/meter-provision",
    operation_id="get_meter_provision",
    summary="计量器具配备率 / Rate of provision",
)
async def get_provision(
    site: SiteInPath, principal: Who, database: Store, at: At = None
) -> Provisions:
    """Return fitted over needed by level and kind of energy, beside what GB 17167 asks for.

    返回各级、各能源品种的计量器具配备率及标准要求。
    """
    answer = await meter_register.read_provision(
        database, tenant_id=principal.tenant_id, site=site, at=at
    )
    return Provisions.model_validate(
        {
            **about(answer.state),
            "rows": answer.rows,
            "levels_undeclared": list(answer.levels_undeclared),
        }
    )


@router.get(
    "/sites/{site}/meter-facts",
    operation_id="list_meter_facts",
    summary="计量事实 / Dated facts",
)
async def list_facts(site: SiteInPath, principal: Who, database: Store) -> Facts:
    """Return the facts entered beside the description, the withdrawn ones too.

    返回描述之外录入的变更与检定记录，含已撤回者。
    """
    answer = await meter_life.list_facts(database, tenant_id=principal.tenant_id, site=site)
    return Facts.model_validate({**about(answer.state), "facts": answer.rows})


@write_router.post(
    "/sites/{site}/points/{point}/life",
    operation_id="add_point_change",
    summary="录入变更 / Enter a change",
    status_code=201,
)
async def add_change(
    site: SiteInPath,
    point: PointInPath,
    change: ChangeWanted,
    principal: Who,
    database: Store,
    now: Now,
) -> Fact:
    """Enter a change of multiplier, digits or meter, or a retirement; what it touches is redone.

    录入倍率、位数、换表或停用；受影响的周期将重算。
    """
    fields = change.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    row = await meter_life.add_change(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        point=point,
        change=fields,
        at=now,
    )
    return Fact.model_validate(row)


@write_router.post(
    "/sites/{site}/meters/{meter}/calibrations",
    operation_id="add_meter_calibration",
    summary="登记检定 / Enter a calibration",
    status_code=201,
)
async def add_calibration(
    site: SiteInPath,
    meter: MeterInPath,
    calibration: CalibrationWanted,
    principal: Who,
    database: Store,
) -> Fact:
    """Enter a calibration with its certificate; no amount depends on it.

    登记检定证书及有效期，不影响用量。
    """
    row = await meter_life.add_calibration(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        meter=meter,
        calibration=calibration.model_dump(mode="json", exclude_defaults=True),
    )
    return Fact.model_validate(row)


@write_router.post(
    "/sites/{site}/meter-facts/{fact}/withdrawal",
    operation_id="withdraw_meter_fact",
    summary="撤回 / Withdraw a fact",
)
async def withdraw_fact(
    site: SiteInPath,
    fact: FactInPath,
    withdrawal: WithdrawalWanted,
    principal: Who,
    database: Store,
) -> Fact:
    """Withdraw a fact that was wrong; it stays on record, and what it touched is computed again.

    撤回有误的事实；记录保留，受影响的周期将重算。
    """
    row = await meter_life.withdraw(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        fact_id=fact,
        reason=withdrawal.reason,
    )
    return Fact.model_validate(row)
