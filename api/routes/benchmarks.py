"""能效对标 benchmarking: levels, forecast, gaps and history of units; the library of limits."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.dependencies import Instant, Schema, SiteCode, Store, Text
from api.routes.consumption import REASONS
from api.schema import Answer, Assessed, about, assessed
from api.security import Who, needs
from services import benchmarks, reference
from services.benchmark_periods import PeriodName
from services.benchmark_units import Use
from services.benchmarks import LevelRow, LimitRow, PeriodRow, UnitRow
from services.plant.benchmark import BenchmarkKind
from services.reference import Confidence, Limit, LimitKind

router = APIRouter(tags=["能效对标 benchmarking"], dependencies=[Depends(needs("read"))])

_METHOD = (
    "值 = 能源 ÷ 产出（效率为产出 ÷ 能源）；期末值 =（至今 + 剩余步数 × 以往各步均值）之商，"
    "区间按残差方差、相邻步相关与均值的不确定度；差距 = 期末能源 −（限额 × 产出），折算按本单元"
    "近期的折标与排放、按品种（或全厂）近 31 天均价 / value = energy / output (efficiency: the"
    " inverse); the end: (so far + steps left x mean of past steps) as a quotient, its interval by"
    " what the quotient leaves over, what neighbouring steps share and how well the mean is known;"
    " gap = energy at the end - limit x output, valued by the unit's own coal and emission per"
    " energy and by the price of its carrier (or of the site's energy) in the last 31 days"
)
_LEVEL = "1、2、3 级；4：都未达到；null：无限额或无值 / 4: none is met; null: no norm, or no value"
_LIST = "1：标杆；2：基准；3：未达 / 1 benchmark, 2 baseline, 3 beyond; null: none"
_GAP = "期末相对 aim 的超额（负为节约） / Beyond what the aim allows at the end; negative: less"


class LimitAnswer(Schema):
    """A limit on file, with its source."""

    code: str
    kind: LimitKind = Field(description="norm 限额标准 | list 标杆与基准 | equipment 设备能效")
    standard: str
    title_zh: str
    sector: str
    product_zh: str
    product_en: str
    indicator_zh: str
    indicator_en: str
    unit: str
    more_is_better: bool
    levels: list[float | None] = Field(
        description="最优者在前；list 为标杆、基准 / Best first; of a list: benchmark, baseline"
    )
    valid_from: date | None
    valid_to: date | None
    source: str
    clause: str
    confidence: Confidence = Field(description="recalled：须核对 / to be compared first")
    missing_zh: str = Field(description="未录入的修正 / Corrections that are not on file")
    missing_en: str
    correction_parameter: str | None
    note: str


class Limits(Schema):
    """The library of limits."""

    limits: list[LimitAnswer]


class Correction(Schema):
    """A correction term; `given` null: the reference is assumed."""

    parameter: str
    reference: float
    given: float | None
    added: list[float]


class LimitUsed(LimitAnswer):
    """A limit that the description names."""

    compared_with: str | None
    use: Use = Field(
        description="used | not_compared 未核对，不评级 | not_in_force 期初不在有效期 / of which"
        " only `used` gives a level"
    )
    correction: Correction | None


class MarkAnswer(Schema):
    """One mark and the gap to it at the end of the period."""

    mark: str = Field(
        description="level_1 | level_2 | level_3 | benchmark | baseline | target | own_best"
    )
    name_zh: str
    name_en: str
    value: float
    limit: str | None
    is_met: bool | None
    is_met_at_end: bool | None
    gap_tce: float | None
    gap_cny: float | None
    gap_tco2e: float | None


class Forecast(Schema):
    """What the period ends at, at the pace of late."""

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    step: str = Field(description="hour | day | month")
    step_count: int
    energy: float | None
    output: float | None


class TargetAnswer(Schema):
    """The unit's own target."""

    value: float
    valid_from: date
    valid_to: date | None
    source: str


class OwnBest(Schema):
    """The best closed period that is whole and of good data."""

    value: float
    start: datetime
    end: datetime


class ClosedPeriod(Assessed):
    """What the unit came to in a period that is over."""

    start: datetime
    end: datetime
    shift: str | None
    value: float | None
    reason: str | None
    energy: float | None
    output: float | None
    covered_share: float
    level: int | None
    list_level: int | None
    target: float | None


class UnitAnswer(Assessed):
    """Where one unit stands."""

    code: str
    name_zh: str
    name_en: str
    kind: BenchmarkKind
    unit: str
    more_is_better: bool
    value: float | None = Field(description="本期至今 / So far")
    reason: str | None = Field(description="无值的原因 / Why there is none")
    covered_share: float = Field(description="占整个周期 / Of the whole period")
    energy: float | None
    energy_unit: str
    output: float | None
    output_unit: str
    forecast: Forecast
    level: int | None = Field(description=_LEVEL)
    level_zh: str | None
    level_en: str | None
    level_end: int | None = Field(description=_LEVEL)
    level_end_zh: str | None
    level_end_en: str | None
    list_level: int | None = Field(description=_LIST)
    list_level_zh: str | None
    list_level_en: str | None
    list_level_end: int | None = Field(description=_LIST)
    list_level_end_zh: str | None
    list_level_end_en: str | None
    aim: str | None = Field(description="差距所对的标记 / The mark that the gap is to")
    gap_tce: float | None = Field(description=_GAP)
    gap_cny: float | None = Field(description=_GAP)
    gap_tco2e: float | None = Field(description=_GAP)
    rank: int = Field(description="按 gap_tce 从大到小 / By gap_tce, the largest first")
    marks: list[MarkAnswer]
    limits: list[LimitUsed]
    target: TargetAnswer | None
    own_best: OwnBest | None
    history: list[ClosedPeriod]


class BenchmarksAnswer(Answer):
    """The units of a site in one period."""

    period: PeriodName
    start: datetime
    end: datetime
    shift: str | None
    is_open: bool
    passed_share: float
    method: str
    units: list[UnitAnswer]


def _limit(limit: Limit) -> dict[str, Any]:
    names = LimitAnswer.model_fields.keys() - {"levels", "correction_parameter"}
    return {
        **{name: getattr(limit, name) for name in names},
        "levels": list(limit.levels),
        "correction_parameter": None if limit.correction is None else limit.correction.parameter,
    }


def _used(row: LimitRow) -> dict[str, Any]:
    used, correction = row.used, row.used.limit.correction
    return {
        **_limit(used.limit),
        "compared_with": used.compared_with,
        "use": used.use,
        "correction": None
        if correction is None
        else {
            "parameter": correction.parameter,
            "reference": correction.reference,
            "given": used.given,
            "added": row.added,
        },
    }


def _levels(row: UnitRow) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("level", "level_end", "list_level", "list_level_end"):
        level: LevelRow = getattr(row, name)
        found |= {name: level.level, f"{name}_zh": level.zh, f"{name}_en": level.en}
    return found


def _period(row: PeriodRow) -> dict[str, Any]:
    names = ClosedPeriod.model_fields.keys() - {"reason", "grade", "flags"}
    return {
        **{name: getattr(row, name) for name in names},
        "reason": REASONS.get(row.reason),
        **assessed(row.quality),
    }


def _unit(row: UnitRow) -> dict[str, Any]:
    benchmark, target = row.unit.benchmark, row.target
    plain = ("value", "covered_share", "energy", "output", "aim", "gap_tce", "gap_cny", "gap_tco2e")
    return {
        "code": benchmark.code,
        "name_zh": benchmark.name.zh,
        "name_en": benchmark.name.en,
        "kind": benchmark.kind,
        "unit": benchmark.unit,
        "more_is_better": row.unit.more_is_better,
        **{name: getattr(row, name) for name in plain},
        "reason": REASONS.get(row.reason),
        **assessed(row.quality),
        "energy_unit": row.unit.energy_unit,
        "output_unit": row.unit.quotient.output_unit,
        "forecast": row.forecast,
        **_levels(row),
        "rank": row.rank,
        "marks": row.marks,
        "limits": [_used(limit) for limit in row.limits],
        "target": None
        if target is None
        else {
            "value": target.value,
            "valid_from": target.valid_from,
            "valid_to": target.valid_to,
            "source": target.source,
        },
        "own_best": row.own_best,
        "history": [_period(period) for period in row.history],
    }


@router.get("/benchmarks", operation_id="get_benchmarks", summary="能效对标 / Benchmarks")
async def get_benchmarks(
    principal: Who,
    database: Store,
    site: SiteCode,
    period: Annotated[PeriodName, Query(description="周期 / Period")] = "month",
    at: Annotated[
        Instant | None,
        Query(description="周期内任一时刻，省略为现在 / In the period; now if left out"),
    ] = None,
) -> BenchmarksAnswer:
    """Return value, forecast, level, gaps and history of every unit to benchmark.

    返回各对标单元的本期值、期末预测、等级、差距、排序与历史。
    """
    found = await benchmarks.compare(
        database, tenant_id=principal.tenant_id, site=site, period=period, at=at
    )
    names = ("start", "end", "shift", "is_open", "passed_share")
    return BenchmarksAnswer.model_validate(
        {
            **about(found.state),
            "period": period,
            **{name: getattr(found, name) for name in names},
            "method": _METHOD,
            "units": [_unit(row) for row in found.units],
        }
    )


@router.get("/limits", operation_id="list_limits", summary="限额与能效水平库 / Limits on file")
async def list_limits(
    text: Annotated[
        Text | None, Query(description="编码、标准、产品或指标中的字词 / Found in any name")
    ] = None,
) -> Limits:
    """Return the limits that a description can name, with source and dates.

    返回可引用的限额、标杆与设备能效水平。
    """
    return Limits.model_validate(
        {"limits": [_limit(limit) for limit in reference.find_limits(text)]}
    )
