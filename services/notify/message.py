"""Alerts as people read them, in a mail or a chat: 中文 first, English beside it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.store.notices import Kind

_LISTED_MAX = 50
_SUBJECT_LENGTH_MAX = 150
_WORDS: Mapping[Kind, tuple[str, str]] = {
    "firing": ("告警", "firing"),
    "broken": ("告警", "firing"),
    "resolved": ("已恢复", "resolved"),
    "escalation": ("升级：仍未确认", "escalated: not acknowledged"),
    "summary": ("汇总", "summary"),
    "test": ("测试", "test"),
}
_SEVERITIES = {"critical": "严重 critical", "warning": "警告 warning", "info": "提示 info"}


@dataclass(frozen=True, slots=True)
class Message:
    """A text with its subject."""

    subject: str
    text: str


def compose(kind: Kind, payloads: Sequence[Mapping[str, Any]], *, public_url: str) -> Message:
    """Return what people are told.

    Parameters
    ----------
    kind : Kind
    payloads : sequence of mappings
        Of the alerts that are told together, at least one; of a summary, the one of the summary.
    public_url : str
        Where people reach the page; empty if the operator did not say.
    """
    zh, en = _WORDS[kind]
    first = payloads[0]
    if kind == "test":
        text = "这是一条测试消息，通道可用。\nThis is a test: the channel works."
        return Message(f"[能碳 Nengtan] {zh} {en}", text)
    if kind == "summary":
        count = first["count"]
        subject = f"[能碳 Nengtan] {count} 条告警汇总 / {count} alerts in one summary"
        return Message(subject, "\n".join(_summary_lines(first, public_url)))
    more = f"（共 {len(payloads)} 条 / {len(payloads)} alerts）" if len(payloads) > 1 else ""
    titles = _pair(first["texts"], "summary") or [first["alertname"]]
    subject = f"[{_severity(first)}] {zh} {en}: {' / '.join(titles)}{more}"
    parts = ["\n".join(_alert_lines(one, public_url)) for one in payloads[:_LISTED_MAX]]
    if len(payloads) > _LISTED_MAX:
        rest = len(payloads) - _LISTED_MAX
        parts.append(f"另有 {rest} 条，见告警页 / {rest} more: see the page")
    return Message(_one_line(subject), "\n\n".join(parts))


def summary_of(
    rows: Sequence[tuple[Kind, Mapping[str, Any]]], *, tenant: str, channel: str
) -> dict[str, Any]:
    """Return the payload of a summary: counts of all, and the most severe by name."""
    order = list(_SEVERITIES)
    counted = Counter((one["alertname"], one["severity"], kind) for kind, one in rows)
    listed = sorted(
        (
            {"alertname": name, "severity": severity, "kind": kind, "count": count}
            for (name, severity, kind), count in counted.items()
        ),
        key=lambda line: (
            order.index(line["severity"]) if line["severity"] in order else len(order),
            -line["count"],
            line["alertname"],
        ),
    )
    return {
        "tenant": tenant,
        "site": None,
        "channel": channel,
        "count": len(rows),
        "lines": listed[:_LISTED_MAX],
        "more_lines": max(len(listed) - _LISTED_MAX, 0),
        "ids": [one["id"] for _, one in rows[:1000]],
        "path": "/alerts",
    }


def _summary_lines(payload: Mapping[str, Any], public_url: str) -> Iterator[str]:
    yield (
        "一分钟内的告警超过通道上限，其余合为此条。"
        " More alerts came in a minute than the channel takes: these are told together."
    )
    for line in payload["lines"]:
        zh, en = _WORDS[line["kind"]]
        yield f"{line['count']} × [{_severity(line)}] {line['alertname']} {zh} {en}"
    if payload["more_lines"]:
        yield f"… 另有 {payload['more_lines']} 种 / {payload['more_lines']} more kinds"
    if public_url:
        yield f"{public_url}{payload['path']}"


def _alert_lines(payload: Mapping[str, Any], public_url: str) -> Iterator[str]:
    titles = _pair(payload["texts"], "summary") or [payload["alertname"]]
    yield f"[{_severity(payload)}] {' / '.join(titles)}"
    yield from _pair(payload["texts"], "description")
    if payload["value"] is not None:
        limit = "" if payload["limit"] is None else f"，限值 limit {payload['limit']:g}"
        yield f"数值 value {payload['value']:g}{limit} {payload['unit']}".rstrip()
    hidden = {"alertname", "severity", "tenant"}
    labels = ", ".join(f"{k}={v}" for k, v in sorted(payload["labels"].items()) if k not in hidden)
    if labels:
        yield labels
    yield f"触发 fired {payload['fired_at']}"
    if payload["resolved_at"] is not None:
        yield f"恢复 resolved {payload['resolved_at']}"
    if public_url:
        yield f"{public_url}{payload['path']}"


def _severity(payload: Mapping[str, Any]) -> str:
    severity: str = payload["severity"]
    return _SEVERITIES.get(severity, severity)


def _pair(texts: Mapping[str, str], name: str) -> list[str]:
    found = [texts.get(f"{name}_{language}", "") for language in ("zh", "en")]
    return [text for text in dict.fromkeys(found) if text]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT_LENGTH_MAX else f"{line[: _SUBJECT_LENGTH_MAX - 1]}…"
