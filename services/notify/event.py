"""An alert as other systems get it: CloudEvents 1.0 structured, signed per Standard Webhooks."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from services.json_values import iso_utc
from services.store.notices import Kind, ToldRow

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
# A broken channel is an alert like any other.
_TYPES: Mapping[Kind, str] = {
    "firing": "firing",
    "broken": "firing",
    "resolved": "resolved",
    "escalation": "escalation",
    "summary": "summary",
    "test": "test",
}
_NAMESPACE = UUID("6f1c1a52-7a0f-5d3c-9c58-3e0a53a1a3d1")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks gives every secret


def payload_of(row: ToldRow, *, group: list[str]) -> dict[str, Any]:
    """Return what is told of an episode; it is kept, so that every copy of a message is the same.

    Parameters
    ----------
    row : ToldRow
    group : list of str
        What it has in common with the alerts that people are told of in the same message.
    """
    return {
        "id": row.id,
        "alertname": row.rule,
        "group": row.group_code,
        "severity": row.severity,
        "tenant": row.tenant,
        "site": row.site,
        "labels": row.labels,
        "texts": row.texts,
        "value": row.value,
        "value_worst": row.value_worst,
        "limit": row.limit_value,
        "unit": row.unit,
        "active_at": iso_utc(row.active_at),
        "fired_at": iso_utc(row.fired_at),
        "resolved_at": None if row.resolved_at is None else iso_utc(row.resolved_at),
        "resolved_by": row.resolved_by,
        "explanation": row.explanation,
        "path": f"/alerts/{row.id}",
        "told_with": group,
    }


def key_of(*parts: object) -> UUID:
    """Return the idempotency key of a message: the same parts always have the same."""
    return uuid5(_NAMESPACE, "/".join(map(str, parts)))


def cloud_event(*, kind: Kind, key: UUID, payload: Mapping[str, Any], time: datetime) -> bytes:
    """Return the body of a webhook: the same bytes for every copy of a message."""
    tenant, site = payload.get("tenant", ""), payload.get("site")
    event = {
        "specversion": "1.0",
        "id": str(key),
        "source": f"/tenants/{tenant}" + (f"/sites/{site}" if site else ""),
        "type": f"cn.nengtan.alert.{_TYPES[kind]}.v1",
        "subject": str(payload.get("id", kind)),
        "time": iso_utc(time),
        "datacontenttype": "application/json",
        "data": payload,
    }
    return json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def signed(*, key: UUID, body: bytes, at: datetime, secret: str | None) -> dict[str, str]:
    """Return the headers that name a message and, if there is a secret, sign it.

    Notes
    -----
    Standard Webhooks 1.0: HMAC-SHA256 of `id.timestamp.body`, base64, behind `v1,`. The secret is
    base64 behind `whsec_`, or else its own bytes.
    """
    timestamp = str(int(at.timestamp()))
    headers = {
        "Idempotency-Key": str(key),
        "webhook-id": str(key),
        "webhook-timestamp": timestamp,
    }
    if secret is not None:
        content = f"{key}.{timestamp}.".encode() + body
        mac = hmac.new(_key_bytes(secret), content, sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
    return headers


def _key_bytes(secret: str) -> bytes:
    if secret.startswith(_SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()
