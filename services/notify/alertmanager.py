"""Alerts as Alertmanager has them (API v2): pushed to one outside, and shown as one would."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.json_values import iso_utc
from services.notify.exchange import Request

# Told again while it fires; over by itself when whoever sends it dies.
REPEAT = timedelta(minutes=1)
ENDS_AFTER = timedelta(minutes=5)


def alert_of(payload: Mapping[str, Any], *, at: datetime, public_url: str) -> dict[str, Any]:
    """Return an alert as it is posted: the end is that of the episode, or some minutes ahead."""
    resolved_at = payload["resolved_at"]
    return {
        "labels": labels_of(payload["labels"]),
        "annotations": annotations_of(payload["texts"]),
        "startsAt": payload["fired_at"],
        "endsAt": iso_utc(at + ENDS_AFTER) if resolved_at is None else resolved_at,
        "generatorURL": f"{public_url}{payload['path']}" if public_url else "",
    }


def labels_of(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels without the empty ones, which are none."""
    return {name: value for name, value in sorted(labels.items()) if value}


def annotations_of(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts, and those that readers of one language look for: `summary`, `description`."""
    annotations = {name: text for name, text in sorted(texts.items()) if text}
    for name in ("summary", "description"):
        said = [texts.get(f"{name}_{language}", "") for language in ("zh", "en")]
        if any(said):
            annotations[name] = " / ".join(text for text in dict.fromkeys(said) if text)
    return annotations


def push(url: str, alerts: Iterable[Mapping[str, Any]], *, secret: str | None) -> Request:
    """Return the request that tells an Alertmanager of alerts."""
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    body = json.dumps(list(alerts), ensure_ascii=False).encode()
    return Request(f"{url.rstrip('/')}/api/v2/alerts", headers, body)
