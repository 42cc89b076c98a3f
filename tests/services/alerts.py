"""Rules for tests, stated as people state them."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.types.json import Jsonb


def rule(alert: str, expr: str, **more: Any) -> dict[str, Any]:
    """Return a rule with the least that it needs."""
    return {
        "alert": alert,
        "expr": expr,
        "annotations": {"summary": {"zh": f"告警 {alert}", "en": f"Alert {alert}"}},
        **more,
    }


def state(url: str, *rules: Mapping[str, Any], group: str = "g", tenant: str = "acme") -> None:
    """State a group of rules; without any it is withdrawn."""
    document = {"name": group, "rules": list(rules)} if rules else None
    digest = sha256(json.dumps(document).encode()).digest()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into alert_document (tenant_id, kind, code, revision, document, sha256,"
            " stated_by) select t.id, 'group', %(group)s, (select coalesce(max(revision), 0) + 1"
            " from alert_document where tenant_id = t.id and code = %(group)s), %(document)s,"
            " %(digest)s, 'test' from tenant t where t.code = %(tenant)s",
            {
                "group": group,
                "document": None if document is None else Jsonb(document),
                "digest": digest,
                "tenant": tenant,
            },
        )
