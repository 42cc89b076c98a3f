"""What answers about data have in common; names, units and texts come from compute.quantities."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, Protocol

from pydantic import Field

from api.dependencies import Schema
from compute.periods import from_us
from compute.quality import flag_names, grade
from compute.quantities import quantity
from services.cost import Cost
from services.json_values import iso_utc
from services.store.results import ResultColumns
from services.store.tariffs import TariffRow
from services.totals import MEASURES, SiteState, Total

Grade = Literal["good", "uncertain", "bad"]
CostReason = Literal[
    "no_tariff", "not_priced", "priced_together", "period_too_long", "nothing_known"
]
_RESULT_EXAMPLES = {
    "amount": 1250.5,
    "energy_kwh": 1250.5,
    "coal_equivalent_tce": 0.15369,
    "coal_equal_tce": 0.37515,
    "emission_direct_tco2e": 0.0,
    "emission_purchased_tco2e": 0.6635,
}


def measured(name: str) -> Any:  # noqa: ANN401 - a pydantic field stands for its value
    """Return a field described by its line of the nomenclature; null where it is not valid."""
    example = _RESULT_EXAMPLES.get(name)
    return Field(
        description=f"{quantity(name).description}; null: 缺失或无效 / missing or invalid",
        examples=None if example is None else [example],
    )


def units_of(names: Iterable[str], **known: str) -> dict[str, str]:
    """Return the unit of each column; `known` says those that depend on the carrier."""
    return {name: known.get(name, quantity(name).unit) for name in names}


class Answer(Schema):
    """An answer about a site."""

    as_of: datetime = Field(
        description="取数时刻：答案所依据的数据快照 / Instant of the snapshot that the answer is of"
    )
    complete_until: datetime | None = Field(
        description="所有在用测点均已越过的最后一个基本周期的终点；有测点从未上报时为 null /"
        " End of the last base interval that every active point has passed; null if some point"
        " never reported"
    )
    waiting_for: list[str] = Field(
        description="从未上报的测点（至多 10 个） / Points that never reported, ten at most"
    )
    time_zone: str = Field(description="厂区时区 / Zone of the site", examples=["Asia/Shanghai"])


class Assessed(Schema):
    """A value with what can be said of its quality."""

    grade: Grade = Field(description="质量等级 / good, uncertain or bad")
    flags: list[str] = Field(
        description="质量标志 / Names of the quality bits", examples=[["interpolated"]]
    )


class Measures(Assessed):
    """The quantities of a result."""

    amount: float | None = measured("amount")
    energy_kwh: float | None = measured("energy_kwh")
    coal_equivalent_tce: float | None = measured("coal_equivalent_tce")
    coal_equal_tce: float | None = measured("coal_equal_tce")
    emission_direct_tco2e: float | None = measured("emission_direct_tco2e")
    emission_purchased_tco2e: float | None = measured("emission_purchased_tco2e")
    reading_count: int = Field(description=quantity("reading_count").description)


class Sum(Measures):
    """Sums over a whole period."""

    covered_share: float = Field(description=quantity("covered_share").description)


class TariffUsed(Schema):
    """A version of a tariff that a cost was computed with."""

    target: str = Field(
        description="能流或品种 / Flow or carrier that it prices", examples=["flow/grid-in"]
    )
    valid_from: date = Field(description="生效日（当地） / First day, by the site's clock")
    revision: int = Field(description="该生效日的第几次录入 / Revision of that day")
    sha256: str
    source: str = Field(description="合同或文件 / Contract or notice")


class CostSum(Schema):
    """What something cost over a period, with which prices, or why that is not known."""

    cost_cny: float | None = Field(
        description=f"{quantity('cost_cny').description}; null: 见 reason / see reason"
    )
    reason: CostReason | None = Field(
        description="no_tariff 未定价 | not_priced 该序列不计价 | priced_together 阶梯按多路合并计"
        " | period_too_long 超过 800 天 | nothing_known 无数据 / why there is none"
    )
    known_share: float = Field(
        description="已过去的基本周期中用量与价格均已知的比例 / Share of the base intervals that"
        " have passed whose amount and price are known"
    )
    without_tariff: list[str] = Field(
        description="没有价格、未计入的流入能流 / Flows that enter and have no price: not counted"
    )
    tariffs: list[TariffUsed]
    method: str = Field(description="计算方法 / How it is computed")


class _Measured(Protocol):
    @property
    def quality(self) -> int: ...
    @property
    def reading_count(self) -> int: ...


def assessed(quality: int) -> dict[str, Any]:
    """Return grade and flags of a quality mask."""
    graded, flags = _assessed(quality)
    return {"grade": graded, "flags": list(flags)}


@lru_cache(maxsize=4096)
def _assessed(quality: int) -> tuple[Grade, tuple[str, ...]]:
    # Thousands of rows have a few masks, and taking one apart costs more than answering its row.
    return grade(quality), tuple(flag_names(quality))


def measures_of(row: _Measured) -> dict[str, Any]:
    """Return the quantities of a result as they are answered."""
    return {
        **{name: getattr(row, name) for name in MEASURES},
        "reading_count": row.reading_count,
        **assessed(row.quality),
    }


def result_rows(rows: ResultColumns) -> list[dict[str, Any]]:
    """Return results row by row as they are answered, each by the start of its interval."""
    marks = [_assessed(quality) for quality in rows.quality.tolist()]
    columns = {
        "start": map(from_us, rows.ts_us.tolist()),
        **dict(zip(MEASURES, rows.measure_lists(), strict=True)),
        "covered_us": rows.covered_us.tolist(),
        "reading_count": rows.reading_count.tolist(),
        "grade": [graded for graded, _ in marks],
        "flags": [flags for _, flags in marks],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def sum_of(total: Total) -> Sum:
    """Return a total as it is answered."""
    return Sum.model_validate({**measures_of(total), "covered_share": total.covered_share})


_COST_METHOD = (
    "逐基本周期：用量 × 当时时段单价 + 阶梯加价，不取整；基本电费与取整到分见 /bill / per base"
    " interval: amount x price of its band + surcharge of steps, not rounded; basic charge and"
    " rounding to the fen are in /bill"
)


def tariff_used(row: TariffRow) -> dict[str, Any]:
    """Return a version as answers name it."""
    return {
        "target": f"{row.target_kind}/{row.target}",
        "valid_from": row.valid_from,
        "revision": row.revision,
        "sha256": row.sha256,
        "source": "" if row.document is None else row.document["source"],
    }


def cost_of(cost: Cost) -> CostSum:
    """Return a cost as it is answered."""
    return CostSum.model_validate(
        {
            "cost_cny": cost.cny,
            "reason": None if cost.reason is None else cost.reason.value,
            "known_share": cost.known_share,
            "without_tariff": list(cost.without_tariff),
            "tariffs": [tariff_used(row) for row in cost.tariffs],
            "method": _COST_METHOD,
        }
    )


def about(state: SiteState) -> dict[str, Any]:
    """Return what every answer about a site begins with."""
    return {
        "as_of": state.as_of,
        "complete_until": state.complete_until,
        "waiting_for": list(state.waiting_for),
        "time_zone": state.site.time_zone,
    }


def headers_about(state: SiteState) -> dict[str, str]:
    """Return the same for a table, which has no place for it but the headers."""
    until = state.complete_until
    return {
        "Nengtan-As-Of": iso_utc(state.as_of),
        "Nengtan-Complete-Until": "" if until is None else iso_utc(until),
        "Nengtan-Time-Zone": state.site.time_zone,
    }
