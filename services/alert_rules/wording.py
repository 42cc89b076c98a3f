"""The texts of alerts: places to fill in, and what fills them. Nothing in a text is run."""

import math
import re
from collections.abc import Iterator, Mapping

from services.alert_rules.model import Annotations

_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
# Besides the labels of the instance and of the rule; `unit` is that of the value, even where the
# object is a unit to benchmark, which `object` names.
PLACEHOLDERS = (
    "value",
    "limit",
    "unit",
    "alertname",
    "severity",
    "tenant",
    "site",
    "site_name",
    "kind",
    "object",
    "object_name",
)


def places(text: str) -> Iterator[str]:
    """Yield the names that a text has places for."""
    for match in _PLACE.finditer(text):
        yield match[1]


def fill(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its places filled in; one for which nothing is known stays as it is."""
    return _PLACE.sub(lambda match: known.get(match[1], match[0]), text)


def figure(value: float | None) -> str:
    """Return a number as people read it: four digits, and a dash for what is not known."""
    if value is None or math.isnan(value):
        return "—"
    written = f"{value:.4g}"
    return f"{value:.0f}" if "e" in written and 1e4 <= abs(value) < 1e12 else written


def texts_of(
    annotations: Annotations, *, known_zh: Mapping[str, str], known_en: Mapping[str, str]
) -> dict[str, str]:
    """Return what an alert says: `summary_zh`, `summary_en`, `description_zh`, `description_en`.

    Parameters
    ----------
    annotations : Annotations
    known_zh, known_en : mapping of str to str
        What fills the places in each language: the labels, and `PLACEHOLDERS`.
    """
    texts = {}
    for name, wording in (
        ("summary", annotations.summary),
        ("description", annotations.description),
    ):
        texts[f"{name}_zh"] = "" if wording is None else fill(wording.zh, known_zh)
        texts[f"{name}_en"] = "" if wording is None else fill(wording.en, known_en)
    return texts
