"""Plant descriptions that the tests of services/plant start from."""

import json
import re
from pathlib import Path
from typing import Any

EXAMPLES = sorted((Path(__file__).parents[2] / "deploy" / "plants").glob("*.yaml"))

_NAME = {"zh": "名称", "en": "Name"}

_SMALL: dict[str, Any] = {
    "schema": "nengtan.plant/1",
    "tenant": "demo",
    "site": "main",
    "name": _NAME,
    "valid_from": "2025-01-01T00:00:00+08:00",
    "time_zone": "Asia/Shanghai",
    "region": "320000",
    "gateways": [{"code": "gw-1"}],
    "nodes": [
        {"code": "furnace", "name": _NAME, "kind": "use", "parent": "plant"},
        {"code": "grid", "name": _NAME, "kind": "source"},
        {"code": "plant", "name": _NAME, "kind": "use"},
        {"code": "board", "name": _NAME, "kind": "bus", "parent": "plant"},
        {"code": "rest", "name": _NAME, "kind": "use", "parent": "plant"},
    ],
    "flows": [
        {
            "code": "grid-in",
            "from": "grid",
            "to": "board",
            "carrier": "electricity",
            "metered_by": [{"point": "P1"}],
        },
        {
            "code": "furnace-power",
            "from": "board",
            "to": "furnace",
            "carrier": "electricity",
            "metered_by": [{"point": "P2"}],
        },
        {"code": "rest-power", "from": "board", "to": "rest", "carrier": "electricity"},
    ],
    "meters": [
        {
            "code": "M1",
            "name": _NAME,
            "gateway": "gw-1",
            "node": "board",
            "points": [
                {
                    "code": "P1",
                    "kind": "register",
                    "unit": "kWh",
                    "multiplier": 80,
                    "digits": {"integer": 6, "decimal": 2},
                    "rate_max_per_hour": 288,
                }
            ],
        },
        {
            "code": "M2",
            "name": _NAME,
            "gateway": "gw-1",
            "points": [{"code": "P2", "kind": "gauge", "unit": "kW", "address": "power"}],
        },
        {
            "code": "M3",
            "name": _NAME,
            "gateway": "gw-1",
            "points": [
                {
                    "code": "P3",
                    "kind": "interval",
                    "unit": "kg",
                    "period_minutes": 15,
                    "stamp": "end",
                }
            ],
        },
    ],
    "products": [
        {
            "code": "iron",
            "name": _NAME,
            "unit": "t",
            "node": "furnace",
            "metered_by": [{"point": "P3"}],
        }
    ],
}


def small() -> dict[str, Any]:
    """Return a small description without findings, to be spoiled."""
    document: dict[str, Any] = json.loads(json.dumps(_SMALL))  # shares nothing inside
    return document


def place_of(path: str) -> tuple[str | int, ...]:
    """Return the place that a path such as `nodes[0].kind` names."""
    steps = re.findall(r"[^.\[\]]+", path)
    return tuple(int(step) if step.isdecimal() else step for step in steps)


def put(document: dict[str, Any], place: tuple[str | int, ...], value: object) -> None:
    """Put a value at a place of a document; past the end of a list it is appended."""
    target: Any = document
    for step in place[:-1]:
        target = target[step]
    last = place[-1]
    if isinstance(target, list) and last == len(target):
        target.append(value)
    else:
        target[last] = value
