"""告警策略 alert policy: channels, routes, escalation, duty and quiet hours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from api.dependencies import Code, IfRevision, Now, Schema, Store
from api.errors import finding_document
from api.security import Who, needs
from services import alert_policy
from services.notify.policy import Policy
from services.settings import Network

_TAGS: list[Any] = ["告警策略 alert policy"]
# Addresses of receivers are nothing for everybody who may read figures.
router = APIRouter(tags=_TAGS, dependencies=[Depends(needs("alert.write"))])
write_router = APIRouter(tags=_TAGS, dependencies=[Depends(needs("alert_rule.write"))])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "格式见 /api/v1/alert-policy/schema / Its form is at"
                    " /api/v1/alert-policy/schema",
                }
            }
        },
    }
}
SecretCode = Annotated[Code, Path(description="密钥编码 / Code of the secret")]
ChannelCode = Annotated[Code, Path(description="通道编码 / Code of the channel")]


class ChannelState(Schema):
    """How a channel does, from the messages of the last 30 days."""

    channel: str
    delivered_at: datetime | None = Field(description="最近一次送达 / It last took something")
    open_count: int = Field(description="等待中的消息 / Messages that wait")
    problem: str | None = Field(description="最近的故障 / What is wrong, if something is")


class OnDuty(Schema):
    """A shift that is on duty now."""

    shift: str
    until: datetime


class Secret(Schema):
    """That a secret is stored; it cannot be read."""

    code: str
    stated_at: datetime
    stated_by: str


class AlertPolicy(Schema):
    """The policy that holds, and how it does."""

    revision: int | None = Field(description="null: 从未录入 / never stated")
    document: dict[str, Any] | None
    stated_at: datetime | None
    stated_by: str | None
    on_duty: list[OnDuty] = Field(description="当前值班 / Who is on duty now")
    channels: list[ChannelState]
    secrets: list[Secret]
    watched_at: datetime | None = Field(
        description="最近一次心跳送达外部看守 / When an outside watcher was last told"
    )


class Checked(Schema):
    """A policy that could be stated, with what is doubtful about it."""

    warnings: list[dict[str, Any]]


class StatedPolicy(Checked):
    """What stating a policy did."""

    revision: int
    changed: bool = Field(description="false: 与现行策略相同 / it holds already")


class SecretRequest(Schema):
    """A secret to store."""

    secret: Annotated[str, Field(min_length=8, max_length=500, pattern=r"^[!-~]+( [!-~]+)?$")] = (
        Field(
            description="webhook 的签名密钥（可为 whsec_…）、机器人的 key 或 token；带签名的钉钉"
            "机器人写“token 空格 SEC…” / What signs a webhook, or the key of a robot; of a DingTalk"
            " robot that signs, its token, a space and SEC…"
        )
    )


class Done(Schema):
    """That something was taken."""

    done: bool = True


def _networks(request: Request) -> Sequence[Network]:
    return cast("Sequence[Network]", request.app.state.private_networks)


Allowed = Annotated[Sequence[Network], Depends(_networks)]


@router.get("/alert-policy", operation_id="get_alert_policy", summary="告警策略 / Alert policy")
async def get_alert_policy(principal: Who, database: Store, now: Now) -> AlertPolicy:
    """Return the policy that holds, who is on duty now, and how the channels do.

    返回现行策略、当前值班与各通道状态。
    """
    found = await alert_policy.current(database, tenant_id=principal.tenant_id, at=now)
    row = found.row
    return AlertPolicy(
        revision=None if row is None else row.revision,
        document=None if row is None else row.document,
        stated_at=None if row is None else row.stated_at,
        stated_by=None if row is None else row.stated_by,
        on_duty=[OnDuty(shift=shift, until=until) for shift, until in found.on_duty],
        channels=[ChannelState.model_validate(state) for state in found.channels],
        secrets=[Secret.model_validate(secret) for secret in found.secrets],
        watched_at=found.watched_at,
    )


@router.get(
    "/alert-policy/schema", operation_id="get_alert_policy_schema", summary="策略格式 / Schema"
)
async def get_alert_policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of an alert policy.

    返回告警策略的 JSON Schema。
    """
    return Policy.model_json_schema(by_alias=True, mode="validation")


@write_router.post(
    "/alert-policy/check",
    operation_id="check_alert_policy",
    summary="检查策略 / Check a policy",
    openapi_extra=_BODY,
)
async def check_alert_policy(
    request: Request, principal: Who, database: Store, allowed: Allowed
) -> Checked:
    """Say what is wrong or doubtful with a policy, without stating it.

    检查策略的错误与疑点，不生效。
    """
    warnings = await alert_policy.check(
        database, tenant_id=principal.tenant_id, content=await request.body(), allowed=allowed
    )
    return Checked(warnings=[finding_document(one) for one in warnings])


@write_router.put(
    "/alert-policy",
    operation_id="state_alert_policy",
    summary="录入策略 / State a policy",
    openapi_extra=_BODY,
)
async def state_alert_policy(
    request: Request,
    principal: Who,
    database: Store,
    allowed: Allowed,
    if_revision: IfRevision = None,
) -> StatedPolicy:
    """State the policy: it holds from now on, and the one before stays on record.

    录入策略，立即生效；旧版本留存。附 If-Match 时，若现行版本已非所依据者则拒绝。
    """
    done = await alert_policy.state(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        content=await request.body(),
        allowed=allowed,
        if_revision=if_revision,
    )
    return StatedPolicy(
        revision=done.revision,
        changed=done.changed,
        warnings=[finding_document(one) for one in done.warnings],
    )


@write_router.put(
    "/alert-policy/secrets/{code}",
    operation_id="put_alert_secret",
    summary="存入密钥 / Store a secret",
)
async def put_alert_secret(
    code: SecretCode, wanted: SecretRequest, principal: Who, database: Store
) -> Done:
    """Store the secret of a channel in place of what stands; it can never be read again.

    存入通道密钥，取代旧值；此后不可读出。
    """
    await alert_policy.put_secret(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        code=code,
        secret=wanted.secret,
    )
    return Done()


@write_router.delete(
    "/alert-policy/secrets/{code}",
    operation_id="drop_alert_secret",
    summary="删除密钥 / Forget a secret",
)
async def drop_alert_secret(code: SecretCode, principal: Who, database: Store) -> Done:
    """Forget the secret of a channel; messages that need it wait until there is one.

    删除通道密钥；需要它的消息等待重新存入。
    """
    await alert_policy.drop_secret(
        database, tenant_id=principal.tenant_id, actor=principal.actor, code=code
    )
    return Done()


@write_router.post(
    "/alert-policy/channels/{code}/test",
    operation_id="test_alert_channel",
    summary="测试通道 / Test a channel",
    status_code=202,
)
async def test_alert_channel(code: ChannelCode, principal: Who, database: Store, now: Now) -> Done:
    """Send a test message; what became of it is in the state of the channel some seconds later.

    发送测试消息；数秒后结果见通道状态。
    """
    await alert_policy.test_channel(
        database,
        tenant_id=principal.tenant_id,
        tenant=principal.tenant_code,
        channel=code,
        at=now,
    )
    return Done()
