"""The table of measures as a page in both languages: how it is printed, and nothing else.

`python -m services.alert_rules.measures_page > services/alert_rules/MEASURES.md`
"""

import sys

from compute.rules_page import table_row
from services.alert_rules.measures import MEASURES, FunctionName, Measure

_FUNCTIONS: tuple[FunctionName, ...] = ("forecast", "previous", "budget")
_HEAD = ("名称 name", "单位 unit", "对象 of", "周期 over", *_FUNCTIONS, "含义 meaning")


def measures_page() -> str:
    """Return the table as a page in both languages."""
    lines = [
        "# 告警规则可用的量 Measures that a rule can ask for",
        "",
        "由 [`measures.py`](measures.py) 生成。",
        "对象与周期的第一个为省略时所指；`…` 为对象自己的单位。",
        "",
        "Printed from [`measures.py`](measures.py). Of objects and periods, the first is meant",
        "where none is named; `…` is the unit of the object.",
        "",
        table_row(_HEAD),
        table_row(["---"] * len(_HEAD)),
        *(_line(measure) for measure in MEASURES),
        "",
    ]
    return "\n".join(lines)


def _line(measure: Measure) -> str:
    unit = measure.unit.replace("{}", "…")
    about = " ".join(text for text in (measure.about_zh, measure.about_en) if text)
    meaning = f"{measure.zh} / {measure.en}"
    return table_row(
        [
            f"`{measure.name}`",
            "" if unit == "1" else unit,
            ", ".join(measure.kinds),
            ", ".join(measure.periods),
            *(", ".join(measure.over(name)) or "—" for name in _FUNCTIONS),
            f"{meaning}. {about}" if about else meaning,
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(measures_page())
