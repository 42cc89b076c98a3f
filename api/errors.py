"""Faults as problem documents (RFC 9457): a stable code, and what to do, in both languages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from compute.errors import NengtanError
from services.alert_groups import RulesInvalid
from services.files.hours import HourlyInvalid
from services.notify.read import PolicyInvalid
from services.plant.apply import WrongTenant
from services.plant.findings import Finding, PlantInvalid
from services.refusal import Refusal
from services.store.pool import DatabaseUnavailable, NotStorable
from services.store.topology import TenantNotFound
from services.tariffs import TariffInvalid

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 5
_CHALLENGE: Final[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="nengtan"'}
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status and its title in both languages."""

    status: int
    title: str
    title_zh: str


KINDS: Final[Mapping[str, Kind]] = {
    "bad_request": Kind(400, "The request cannot be read", "无法读取请求"),
    "last_event_id_invalid": Kind(400, "Last-Event-ID is not a number", "Last-Event-ID 不是编号"),
    "not_signed_in": Kind(401, "A valid credential is needed", "需要有效凭证"),
    "sign_in_refused": Kind(401, "Sign-in refused", "登录被拒绝"),
    "forbidden": Kind(403, "Your roles do not allow this", "您的角色无权执行此操作"),
    "foreign_origin": Kind(403, "The request came from another site", "请求来自其他网站"),
    "role_not_yours": Kind(403, "A role beyond your own", "角色超出您的权限"),
    "not_found": Kind(404, "Not found", "未找到"),
    "method_not_allowed": Kind(405, "Method not allowed", "不支持该方法"),
    "timeout": Kind(408, "The request took too long to arrive", "请求接收超时"),
    "login_taken": Kind(409, "The login is taken", "账号已存在"),
    "alert_rules_invalid": Kind(422, "The rules have faults", "告警规则有错误"),
    "alert_acknowledged": Kind(409, "The alert is acknowledged already", "告警已被确认"),
    "import_state": Kind(409, "The import is in another state", "导入状态不符"),
    "import_busy": Kind(409, "Another import is being worked on", "另一导入正在处理"),
    "changed_meanwhile": Kind(412, "It was changed meanwhile", "数据已被他人修改"),
    "too_large": Kind(413, "The request is too large", "请求过大"),
    "media_type": Kind(415, "Another content type is needed", "内容类型不受支持"),
    "file_type": Kind(415, "Files of this kind are not read", "不支持的文件类型"),
    "file_refused": Kind(422, "The file cannot be read", "文件无法读取"),
    "invalid": Kind(422, "The request does not fit", "请求不符合要求"),
    "unknown_parameter": Kind(422, "Unknown query parameter", "未知的查询参数"),
    "range_too_large": Kind(422, "The range is too large", "查询范围过大"),
    "not_an_edge": Kind(422, "The period does not fit the interval", "时段与统计周期不符"),
    "network_changes": Kind(422, "The plant changes in the period", "时段内厂区描述有变化"),
    "cursor_invalid": Kind(422, "The cursor does not belong here", "游标无效"),
    "password_unfit": Kind(422, "The password is not fit", "密码不符合要求"),
    "account_invalid": Kind(422, "The account cannot be like this", "账号不符合要求"),
    "role_unknown": Kind(422, "Unknown role", "未知角色"),
    "factor_invalid": Kind(422, "The factor cannot be taken", "因子不可用"),
    "tariff_invalid": Kind(422, "The tariff has faults", "电价有错误"),
    "meter_life_invalid": Kind(422, "The fact contradicts another", "与其他事实矛盾"),
    "plant_invalid": Kind(422, "The plant description has faults", "厂区描述有错误"),
    "alert_policy_invalid": Kind(422, "The alert policy has faults", "告警策略有错误"),
    "wrong_tenant": Kind(422, "The description is of another tenant", "描述属于其他租户"),
    "not_storable": Kind(422, "A value cannot be stored", "数值无法存储"),
    "busy": Kind(429, "Too many requests", "请求过于频繁"),
    "internal": Kind(500, "A fault of the centre", "系统内部错误"),
    "unavailable": Kind(503, "The centre is not ready", "系统暂不可用"),
}


@dataclass(frozen=True, slots=True)
class Detail:
    """What is wrong and what to do, with the place in the request."""

    en: str
    zh: str
    pointer: str | None = None


@dataclass(slots=True)
class Problem(Exception):
    """A request that ends here, with the document that says why."""

    code: str
    detail: Detail
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


SCHEMA: Final[Mapping[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457 problem document; 问题说明",
    "type": "object",
    "required": ["type", "title", "title_zh", "status", "code", "detail", "detail_zh"],
    "properties": {
        "type": {"type": "string", "example": "urn:nengtan:problem:not_found"},
        "title": {"type": "string"},
        "title_zh": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "detail": {"type": "string", "description": "What is wrong and what to do"},
        "detail_zh": {"type": "string", "description": "问题与处理办法"},
        "pointer": {"type": "string", "description": "Place in the request; 出错位置"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def document(problem: Problem) -> dict[str, Any]:
    """Return the problem as its JSON document."""
    kind = KINDS[problem.code]
    body: dict[str, Any] = {
        "type": f"urn:nengtan:problem:{problem.code}",
        "title": kind.title,
        "title_zh": kind.title_zh,
        "status": kind.status,
        "code": problem.code,
        "detail": problem.detail.en,
        "detail_zh": problem.detail.zh,
    }
    if problem.detail.pointer is not None:
        body["pointer"] = problem.detail.pointer
    if problem.errors:
        body["errors"] = problem.errors
    return body


def respond(problem: Problem) -> JSONResponse:
    """Return the problem as a response."""
    return JSONResponse(
        document(problem),
        status_code=KINDS[problem.code].status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def not_signed_in() -> Problem:
    """Return the problem of a request without a valid credential."""
    return Problem(
        "not_signed_in",
        Detail(
            "no valid credential: sign in at POST /api/v1/session, or send an API key as"
            " Authorization: Bearer <key> or X-API-Key",
            "没有有效凭证：请在 POST /api/v1/session 登录，或以 Authorization: Bearer <key>"
            " 或 X-API-Key 发送 API 密钥",
        ),
        headers=_CHALLENGE,
    )


def unavailable() -> Problem:
    """Return the problem of a centre whose database does not answer."""
    return Problem(
        "unavailable",
        Detail(
            f"the database does not answer: try again in {_RETRY_AFTER_S} s",
            f"数据库无响应：请 {_RETRY_AFTER_S} 秒后重试",
        ),
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding of a plant description as it is answered."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "pointer": finding.path,
        "value": finding.value,
        "line": finding.line,
        "nearest": finding.nearest,
        "detail": finding.message_en,
        "detail_zh": finding.message_zh,
        "remedy": finding.remedy_en,
        "remedy_zh": finding.remedy_zh,
    }


def _of_plant(error: PlantInvalid) -> Problem:
    return Problem(
        "plant_invalid",
        Detail(
            "correct what the errors name, and send the whole description again",
            "请按 errors 逐项修正后重新提交完整描述",
        ),
        errors=[finding_document(finding) for finding in error.findings],
    )


def _of_tariff(error: TariffInvalid) -> Problem:
    return Problem(
        "tariff_invalid",
        Detail(
            "correct what the errors name, and send the version again",
            "请按 errors 逐项修正后重新提交该版本",
        ),
        errors=[finding_document(finding) for finding in error.findings],
    )


def _of_policy(error: PolicyInvalid) -> Problem:
    return Problem(
        "alert_policy_invalid",
        Detail(
            "correct what the errors name, and send the whole policy again",
            "请按 errors 逐项修正后重新提交完整策略",
        ),
        errors=[finding_document(finding) for finding in error.findings],
    )


def _of_rules(error: RulesInvalid) -> Problem:
    return Problem(
        "alert_rules_invalid",
        Detail(
            "correct what the errors name, and send the whole group again",
            "请按 errors 逐项修正后重新提交整组规则",
        ),
        errors=[finding_document(finding) for finding in error.findings],
    )


def _of_validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(
            "bad_request", Detail("the body is not JSON: correct it", "请求体不是 JSON：请修正")
        )
    errors = [
        {
            "code": fault["type"],
            # The first step says path, query or body; the rest is the place in it.
            "pointer": "/".join(str(step) for step in fault["loc"][1:]),
            "in": str(fault["loc"][0]),
            "detail": fault["msg"],
        }
        for fault in faults[:50]
    ]
    first = errors[0]
    return Problem(
        "invalid",
        Detail(
            f"{first['in']} {first['pointer']}: {first['detail']}",
            f"{first['in']} {first['pointer']}：不符合要求（{first['detail']}）",
            pointer=str(first["pointer"]),
        ),
        errors=errors,
    )


def _of_http(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        return Problem(
            "method_not_allowed",
            Detail("see the Allow header", "见 Allow 响应头"),
            headers=headers,
        )
    if error.status_code == 404:
        return Problem(
            "not_found",
            Detail(
                "no such address: see /api/v1/openapi.json", "没有该地址：见 /api/v1/openapi.json"
            ),
        )
    return Problem(
        "bad_request",
        Detail("the request cannot be read: correct it", "无法读取请求：请修正"),
        headers=headers,
    )


def _of_hours(error: HourlyInvalid) -> Problem:
    problem = _of_refusal(error)
    problem.errors = [
        {
            "line": fault.line,
            "column": fault.column,
            "value": fault.value,
            "detail": f"{fault.value!r} {fault.reason}",
            "detail_zh": f"{fault.value!r} {fault.reason_zh}",
        }
        for fault in error.faults
    ]
    return problem


def _of_refusal(error: Refusal) -> Problem:
    headers = _CHALLENGE if KINDS[error.code].status == 401 else {}
    return Problem(error.code, Detail(str(error), error.zh, pointer=error.pointer), headers)


def _of_database(error: DatabaseUnavailable) -> Problem:
    _log.warning("api.database.unavailable", error=str(error))
    return unavailable()


def _of_tenant(_error: NengtanError) -> Problem:
    # The same words whether the tenant exists or not.
    return Problem(
        "wrong_tenant",
        Detail(
            "the description is not of your tenant: correct tenant and kind",
            "描述与您的租户不符：请修正 tenant 与 kind",
            "tenant",
        ),
    )


def _of_value(_error: NotStorable) -> Problem:
    return Problem(
        "not_storable", Detail("a value cannot be stored: correct it", "数值无法存储：请修正")
    )


def _of_surprise(error: Exception) -> Problem:
    _log.error("api.request.failed", exc_info=error)
    return Problem(
        "internal",
        Detail(
            "a fault of the centre, not of your request: it is in the log; report it",
            "系统内部错误，与您的请求无关：已写入日志，请告知管理员",
        ),
    )


# Asked in this order; what nobody expected says nothing.
_TRANSLATIONS: Final[Sequence[tuple[type[Exception], Callable[[Any], Problem]]]] = (
    (Problem, lambda problem: problem),
    (HourlyInvalid, _of_hours),
    (Refusal, _of_refusal),
    (DatabaseUnavailable, _of_database),
    (RequestValidationError, _of_validation),
    (HTTPException, _of_http),
    (RulesInvalid, _of_rules),
    (TariffInvalid, _of_tariff),
    (PolicyInvalid, _of_policy),
    (PlantInvalid, _of_plant),
    (WrongTenant, _of_tenant),
    (TenantNotFound, _of_tenant),
    (NotStorable, _of_value),
    (Exception, _of_surprise),
)


def problem_of(error: Exception) -> Problem:
    """Return the problem that an exception amounts to."""
    return next(translate(error) for kind, translate in _TRANSLATIONS if isinstance(error, kind))


def allowed_methods(app: FastAPI, path: str) -> str:
    """Return every method of an address; the router itself knows those of one route only."""
    steps = path.split("/")
    methods: set[str] = set()
    for template, operations in app.openapi()["paths"].items():
        parts = template.split("/")
        if len(parts) == len(steps) and all(
            part.startswith("{") or part == step for part, step in zip(parts, steps, strict=True)
        ):
            methods |= {method.upper() for method in operations}
    return ", ".join(sorted(methods))


async def _handle(request: Request, error: Exception) -> JSONResponse:
    response = respond(problem_of(error))
    if response.status_code == 405:
        response.headers["Allow"] = allowed_methods(request.app, request.url.path)
    return response


def install(app: FastAPI) -> None:
    """Have every fault answered with its problem document."""
    for kind in (Problem, NengtanError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _handle)
