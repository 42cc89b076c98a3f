"""告警规则 alert rules: groups as documents, checked as they are typed, tried on the past."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from api.dependencies import Code, End, IfRevision, Schema, Start, Store
from api.security import Who, needs
from services import alert_book, alert_groups, alert_trial
from services.alert_groups import Stated
from services.alert_rules.model import EXPRESSION_LENGTH_MAX, Group

router = APIRouter(tags=["告警规则 alert rules"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(
    tags=["告警规则 alert rules"], dependencies=[Depends(needs("alert_rule.write"))]
)

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "格式见 /api/v1/alert-rules/schema / A group of rules; its form"
                    " is at /api/v1/alert-rules/schema",
                }
            }
        },
    }
}
GroupCode = Annotated[Code, Path(description="规则组 / Group of rules")]


class RuleGroup(Schema):
    """A group as it was stated."""

    group: str
    revision: int
    holds: bool = Field(description="现行 / Whether it holds, or was replaced or withdrawn")
    stated_at: datetime
    stated_by: str
    sha256: str
    document: dict[str, Any] | None = Field(description="null: 撤回 / withdrawn")


class RuleGroups(Schema):
    """Every group ever stated."""

    groups: list[RuleGroup]


class StatedGroup(Schema):
    """What stating or withdrawing a group did."""

    group: str
    revision: int
    changed: bool = Field(description="false: 与现行版本相同 / it holds already")


class Typed(Schema):
    """A condition as it is typed."""

    expr: str = Field(max_length=2 * EXPRESSION_LENGTH_MAX)
    alert: str = Field(default="", max_length=64, description="规则名称 / Name of the rule")
    cursor: int | None = Field(default=None, ge=0, description="光标前的字符数 / Before the cursor")


class RuleFault(Schema):
    """One fault of a condition; the first character has position 1."""

    code: str
    position: int
    length: int
    found: str
    expected: list[str]
    nearest: str | None
    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str


class RuleCompletion(Schema):
    """A text that fits where the cursor is, and what it replaces."""

    text: str
    zh: str
    en: str
    position: int
    length: int


class CheckedRule(Schema):
    """What there is to say of a condition."""

    faults: list[RuleFault]
    completions: list[RuleCompletion]
    unit: str
    objects_count: int = Field(description="作用对象数 / How many objects it is held against")


class ReadyMade(Schema):
    """Groups to begin with."""

    groups: list[dict[str, Any]]


class WouldFire(Schema):
    """One alert as it would have been."""

    alert: str
    labels: dict[str, str]
    fired_at: datetime
    resolved_at: datetime | None = Field(description="null: 至时段末仍触发 / fires to the end")
    value: float | None
    limit: float | None


class TriedRule(Schema):
    """How often a rule would have fired."""

    alert: str
    count: int
    day_most: int = Field(description="一天内最多次数 / Most within a day")
    too_many: bool = Field(description="一天超过 100 次：请加 for 或放宽 / More than 100 a day")
    not_tried: list[str] = Field(
        description="历史数据中没有、按未知处理的量 / Measures that the past does not hold"
    )
    approximated: list[str] = Field(
        description="近似的量：实时量取该步均值，预测按此前各日均值外推 / What is of the last"
        " minute is the mean of a step; a forecast runs on at the mean of the days before"
    )


class RuleTrial(Schema):
    """What a group of rules would have done."""

    start: datetime
    end: datetime
    resolution: Literal["base", "hour"] = Field(
        description="试算步长；实时量以该步均值近似 / Step of the trial: what is of the last"
        " minute is the mean of a step"
    )
    rules: list[TriedRule]
    times: list[WouldFire]
    more: bool = Field(description="true: 只列出前 500 次 / only the first 500 are listed")


def _stated(done: Stated) -> StatedGroup:
    return StatedGroup(group=done.group, revision=done.revision, changed=done.changed)


@router.get("/alert-rules/schema", operation_id="get_alert_rule_schema", summary="格式 / Schema")
async def get_schema() -> dict[str, Any]:
    """Return the JSON Schema of a group of rules.

    返回规则组的 JSON Schema。
    """
    return Group.model_json_schema(by_alias=True, mode="validation")


@router.get(
    "/alert-rules/ready-made", operation_id="list_ready_made_rules", summary="内置规则 / Ready-made"
)
async def list_ready_made() -> ReadyMade:
    """Return groups to begin with; none asks for a number of the plant.

    返回可直接采用或修改的内置规则组。
    """
    found = alert_groups.list_ready_made()
    return ReadyMade(
        groups=[group.model_dump(mode="json", by_alias=True, exclude_none=True) for group in found]
    )


@router.get("/alert-rules", operation_id="list_alert_rules", summary="告警规则 / Rules")
async def list_groups(principal: Who, database: Store) -> RuleGroups:
    """Return every group ever stated, by name and revision.

    返回历次录入的规则组。
    """
    rows = await alert_groups.list_groups(database, tenant_id=principal.tenant_id)
    newest = alert_book.newest(rows)
    return RuleGroups.model_validate(
        {
            "groups": [
                {
                    "group": row.code,
                    "revision": row.revision,
                    "holds": newest[row.code] is row and row.document is not None,
                    "stated_at": row.stated_at,
                    "stated_by": row.stated_by,
                    "sha256": row.sha256,
                    "document": row.document,
                }
                for row in rows
            ]
        }
    )


@router.post("/alert-rules/check", operation_id="check_alert_rule", summary="校验 / Check")
async def check_rule(typed: Typed, principal: Who, database: Store) -> CheckedRule:
    """Return what is wrong with a condition as it is typed, and what fits next.

    边输入边校验：返回全部错误、位置与补全。
    """
    found = await alert_groups.check(
        database,
        tenant_id=principal.tenant_id,
        tenant_code=principal.tenant_code,
        expression=typed.expr,
        alert=typed.alert,
        cursor=typed.cursor,
    )
    return CheckedRule.model_validate(found)


@router.post(
    "/alert-rules/trial",
    operation_id="try_alert_rules",
    summary="历史试算 / Try on the past",
    openapi_extra=_BODY,
)
async def try_rules(
    request: Request, principal: Who, database: Store, start: Start, end: End
) -> RuleTrial:
    """Return when the rules of a group would have fired in a span of at most 400 days.

    用历史数据试算规则组：会在何时触发、每天最多几次（最长 400 天；31 天内按基本周期，其余按小时）。
    """
    found = await alert_trial.try_group(
        database,
        tenant_id=principal.tenant_id,
        tenant_code=principal.tenant_code,
        content=await request.body(),
        start=start,
        end=end,
    )
    return RuleTrial.model_validate(found)


@write_router.put(
    "/alert-rules/{group}",
    operation_id="state_alert_rules",
    summary="录入规则组 / State a group",
    openapi_extra=_BODY,
)
async def state_group(
    group: GroupCode,
    request: Request,
    principal: Who,
    database: Store,
    if_revision: IfRevision = None,
) -> StatedGroup:
    """Add a revision of a group of rules; it holds from within five seconds on.

    录入规则组的新版本，五秒内生效；未改动的规则及其告警不受影响。
    附 If-Match 时，若最新版本已非所依据者则拒绝。
    """
    done = await alert_groups.state_group(
        database,
        tenant_id=principal.tenant_id,
        tenant_code=principal.tenant_code,
        actor=principal.actor,
        group=group,
        content=await request.body(),
        if_revision=if_revision,
    )
    return _stated(done)


@write_router.delete(
    "/alert-rules/{group}", operation_id="withdraw_alert_rules", summary="撤回 / Withdraw a group"
)
async def withdraw_group(
    group: GroupCode, principal: Who, database: Store, if_revision: IfRevision = None
) -> StatedGroup:
    """Take a group back: its alerts are resolved; it stays readable.

    撤回规则组：其告警随即解除；记录保留。
    """
    done = await alert_groups.withdraw_group(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        group=group,
        if_revision=if_revision,
    )
    return _stated(done)
