"""Tariffs that tests start from: prices are made up, their shape is that of Chinese industry."""

import json
from typing import Any

from services.plant.tariff import TariffVersion

_ORDINARY = [
    ("00:00", "08:00", "valley"),
    ("08:00", "10:00", "flat"),
    ("10:00", "12:00", "peak"),
    ("12:00", "17:00", "flat"),
    ("17:00", "22:00", "peak"),
    ("22:00", "24:00", "flat"),
]
_HOT = [
    ("00:00", "08:00", "valley"),
    ("08:00", "14:15", "flat"),
    ("14:15", "16:45", "sharp"),
    ("16:45", "22:00", "peak"),
    ("22:00", "24:00", "flat"),
]
_FREE = [("00:00", "11:00", "valley"), ("11:00", "15:30", "deep"), ("15:30", "24:00", "valley")]


def name(text: str) -> dict[str, str]:
    return {"zh": f"名称 {text}", "en": text}


def schedule(code: str, times: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {"code": code, "times": [{"from": a, "to": b, "band": band} for a, b, band in times]}


def two_part(valid_from: str = "2024-01-01", **more: Any) -> dict[str, Any]:
    """Return a version with five bands, two seasons, holidays, and a charge by demand."""
    prices = {"sharp": 1.25, "peak": 1.05, "flat": 0.65, "valley": 0.3, "deep": 0.125}
    return {
        "valid_from": valid_from,
        "source": "contract 7",
        "unit": "kWh",
        "bands": [{"code": code, "name": name(code), "price": p} for code, p in prices.items()],
        "days": [
            schedule("ordinary", _ORDINARY),
            schedule("hot", _HOT),
            schedule("free", _FREE),
        ],
        "seasons": [
            {
                "name": name("summer"),
                "from": "07-01",
                "to": "08-31",
                "workday": "hot",
                "holiday": "free",
            },
            {
                "name": name("other"),
                "from": "09-01",
                "to": "06-30",
                "workday": "ordinary",
                "weekend": "ordinary",
                "holiday": "free",
            },
        ],
        "special_days": [
            {"from": "2024-02-10", "to": "2024-02-17", "kind": "holiday", "name": name("spring")},
            {"from": "2024-02-18", "to": "2024-02-18", "kind": "workday", "name": name("worked")},
        ],
        "basic": {"method": "demand", "price": 40.5},
        **more,
    }


def flat(price: float, valid_from: str = "2024-01-01", **more: Any) -> dict[str, Any]:
    """Return a version of one price."""
    return {
        "valid_from": valid_from,
        "source": "contract 8",
        "unit": "kWh",
        "bands": [{"code": "all", "name": name("all"), "price": price}],
        **more,
    }


def read(document: dict[str, Any]) -> TariffVersion:
    return TariffVersion.model_validate_json(json.dumps(document))
