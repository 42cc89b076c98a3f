"""Data audit: findings and what is decided about them, corrections, gaps that have not ended."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.dependencies import (
    ROWS_DEFAULT,
    Code,
    Cursor,
    End,
    Instant,
    Limit,
    Now,
    Schema,
    SiteCode,
    Start,
    Store,
    Text,
    instant_of,
    next_link,
    read_cursor,
    write_cursor,
)
from api.schema import Answer, about
from api.security import Who, needs
from compute.checks import CHECKS, CheckName
from compute.periods import to_us
from services import data_audit
from services import silences as silent_points
from services.store.data_audit import DecisionKind, DecisionRow, FindingRow, FindingState

router = APIRouter(tags=["数据审核 data audit"], dependencies=[Depends(needs("read"))])
review_router = APIRouter(tags=["数据审核 data audit"], dependencies=[Depends(needs("review"))])

SubjectKind = Literal["point", "residual"]
_NEWEST = 2**62
_VALUE = Field(ge=-1e18, le=1e18, allow_inf_nan=False)
_ROWS_OF_CHECK = ("name", "name_zh", "name_en", "when_zh", "when_en", "of")


class CheckLine(Schema):
    """A check."""

    name: str
    of: Literal["reading", "interval"]
    name_zh: str
    name_en: str
    when_zh: str
    when_en: str


class Checks(Schema):
    """The table of the checks; their limits stand in the plant description."""

    checks: list[CheckLine]


class Finding(Schema):
    """Adjoining base intervals of a point or a node that fail a check, decided alike."""

    subject_kind: SubjectKind = Field(
        description="point 测点；residual 节点的平衡差 / A point, or the balance of a node"
    )
    subject: str = Field(description="测点或节点的编码 / Code of the point or node")
    check: CheckName
    start: datetime
    end: datetime
    first_at: datetime | None = Field(
        description="首个不合格读数的时刻 / The first reading that failed; null: an interval did"
    )
    value: float | None = Field(
        description="首个不合格的原始读数；缺数与时钟为秒，不平衡为比例 /"
        " First raw value that failed; of gap and skew seconds, of balance a share"
    )
    limit: float | None = Field(description="限值，口径同 value / The limit, in the same terms")
    unit: str | None = Field(description="测点单位 / Unit of the point")
    reading_count: int = Field(description="不合格读数个数 / Readings that failed")
    first_seen_at: datetime = Field(description="首次发现 / When it was first found")
    state: FindingState = Field(
        description="open 待审；accepted 采信；rejected 剔除；corrected 已更正 /"
        " Whether it is decided, and how"
    )
    decision_id: int | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None


class Findings(Answer):
    """What fails a check, newest first."""

    findings: list[Finding]
    next_cursor: str | None


class SilentPoint(Schema):
    """A point that should have been read by now."""

    point: str
    meter: str
    gateway: str
    since: datetime = Field(description="最近读数，或测点生效时刻 / Its last reading, or beginning")


class Silences(Answer):
    """Gaps that have not ended, the longest first."""

    silences: list[SilentPoint]


class Decide(Schema):
    """A verdict on what fails a check in a span."""

    site: Code
    subject_kind: SubjectKind = "point"
    subject: Code
    check: CheckName
    start: Instant
    end: Instant
    verdict: Literal["accept", "reject"] = Field(
        description="accept 采信：数值正确，暂扣的差值计入；reject 剔除：数值错误，不予采用 /"
        " accept: it is right, what was withheld is booked; reject: it is wrong and left out"
    )
    reason: Text


class Correction(Schema):
    """A value that stands for the reading of an instant, or leaves it out."""

    site: Code
    point: Code
    ts: Instant
    value: Annotated[float, _VALUE] | None = Field(
        description="原始读数的口径，未乘倍率；null 为剔除 / As a raw reading; null: leave it out"
    )
    reason: Text


class Undo(Schema):
    """Why a decision is taken back."""

    reason: Text


class Decided(Schema):
    """The number of the record."""

    decision_id: int


class Decision(Schema):
    """A decision as it was made; none is ever changed."""

    id: int
    subject_kind: SubjectKind
    subject: str
    kind: DecisionKind
    check: CheckName | None
    start: datetime
    end: datetime
    reading_count: int
    value: float | None
    undoes: int | None
    undone_by: int | None
    reason: str
    decided_by: str
    decided_at: datetime


class DecisionList(Answer):
    """Decisions, newest first."""

    decisions: list[Decision]
    next_cursor: str | None


@router.get("/data-audit/checks", operation_id="list_checks", summary="核查项 / Checks")
async def checks() -> Checks:
    """Return the table of the checks.

    返回核查项一览。
    """
    return Checks.model_validate(
        {"checks": [{name: getattr(check, name) for name in _ROWS_OF_CHECK} for check in CHECKS]}
    )


@router.get("/data-audit/findings", operation_id="list_findings", summary="审核清单 / Findings")
async def findings(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    check: Annotated[CheckName | None, Query(description="核查项 / Check")] = None,
    subject: Annotated[Code | None, Query(description="测点或节点 / Point or node")] = None,
    state: Annotated[FindingState | None, Query(description="状态 / State")] = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> Findings:
    """Return what fails a check, newest first.

    返回未通过核查的时段，最新的在前。
    """
    place = read_cursor(cursor, int, int, str)
    answer = await data_audit.findings(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        start=start,
        end=end,
        check=check,
        subject=subject,
        finding_state=state,
        after=None if place is None else (instant_of(place[0]), _small(place[1]), str(place[2])),
        limit=limit,
    )
    following = None
    if answer.after is not None:
        at, series_id, name = answer.after
        following = write_cursor(to_us(at), series_id, name)
        response.headers["Link"] = next_link(request, following)
    return Findings.model_validate(
        {
            **about(answer.state),
            "findings": [_finding(row) for row in answer.rows],
            "next_cursor": following,
        }
    )


@router.get("/data-audit/silences", operation_id="list_silences", summary="未结束的缺数 / Silences")
async def silences(principal: Who, database: Store, site: SiteCode) -> Silences:
    """Return the points that should have been read by now; a gap that has ended is a finding.

    返回目前缺数的测点；已结束的缺数见审核清单。
    """
    answer = await silent_points.silences(database, tenant_id=principal.tenant_id, site=site)
    return Silences.model_validate({**about(answer.state), "silences": answer.rows})


def _small(number: int) -> int:
    """Return a number of a cursor as the database holds it; nobody wrote a larger one."""
    return min(max(number, 0), 2**31 - 1)


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in Finding.model_fields if hasattr(row, name)},
        "check": row.check_name,
        "start": row.start_ts,
        "end": row.end_ts,
        "limit": row.limit_value,
    }


def decision_of(row: DecisionRow) -> dict[str, Any]:
    """Return a decision as it is answered."""
    return {
        **{name: getattr(row, name) for name in Decision.model_fields if hasattr(row, name)},
        "check": row.check_name,
        "start": row.start_ts,
        "end": row.end_ts,
        "reading_count": len(row.at),
    }


@review_router.post(
    "/data-audit/decisions", operation_id="decide_finding", summary="审核 / Decide a finding"
)
async def decide(wanted: Decide, principal: Who, database: Store, now: Now) -> Decided:
    """Accept or reject what fails a check in a span, with a reason; the readings stay.

    采信或剔除并说明理由；原始读数保留。
    """
    decision_id = await data_audit.decide(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=wanted.site,
        subject_kind=wanted.subject_kind,
        subject=wanted.subject,
        check=wanted.check,
        start=wanted.start,
        end=wanted.end,
        verdict=wanted.verdict,
        reason=wanted.reason,
        at=now,
    )
    return Decided(decision_id=decision_id)


@review_router.post(
    "/data-audit/corrections",
    operation_id="correct_reading",
    summary="更正读数 / Correct a reading",
)
async def correct(wanted: Correction, principal: Who, database: Store, now: Now) -> Decided:
    """Have a value stand for a reading, with a reason; the reading itself stays.

    以更正值代替读数并说明理由；原始读数保留。
    """
    decision_id = await data_audit.correct(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=wanted.site,
        point=wanted.point,
        ts=wanted.ts,
        value=wanted.value,
        reason=wanted.reason,
        at=now,
    )
    return Decided(decision_id=decision_id)


@review_router.post(
    "/data-audit/decisions/{decision_id}/undo",
    operation_id="undo_decision",
    summary="撤销 / Undo a decision",
)
async def undo(
    decision_id: Annotated[int, Path(ge=1, lt=2**62)],
    wanted: Undo,
    principal: Who,
    database: Store,
    now: Now,
) -> Decided:
    """Take a decision back by another record, with a reason.

    以新记录撤销一项决定并说明理由。
    """
    undo_id = await data_audit.undo(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        decision_id=decision_id,
        reason=wanted.reason,
        at=now,
    )
    return Decided(decision_id=undo_id)


@router.get("/data-audit/decisions", operation_id="list_decisions", summary="审核记录 / Decisions")
async def decisions(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    subject: Annotated[Code | None, Query(description="测点或节点 / Point or node")] = None,
    limit: Limit = ROWS_DEFAULT,
    cursor: Cursor = None,
) -> DecisionList:
    """Return who decided what and why, newest first.

    返回审核与更正记录，最新的在前。
    """
    place = read_cursor(cursor, int)
    answer = await data_audit.decisions(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        subject=subject,
        before_id=_NEWEST if place is None else place[0],
        limit=limit,
    )
    following = None
    if answer.after is not None:
        following = write_cursor(answer.after)
        response.headers["Link"] = next_link(request, following)
    return DecisionList.model_validate(
        {
            **about(answer.state),
            "decisions": [decision_of(row) for row in answer.rows],
            "next_cursor": following,
        }
    )
