"""The table of `fault_table` as a page in both languages: how it is printed, and nothing else.

`python -m tests.faults.fault_page > tests/faults/FAULT_TABLE.md` prints it anew.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from tests.faults.fault_table import ROWS, Row

_HEADS = {
    "en": ("", "case", "truth", "here", "rule", "quality bits", "peer"),
    "zh": ("", "情况", "真值", "本系统", "规则", "质量标志", "同类系统"),
}
_ENGLISH = (
    "A meter of 60 kWh/h, read every minute unless the case says otherwise. *Truth* is what it",
    "passed between its first and its last reading, by an oracle in decimals that shares no code",
    "with the project; *here* is what [a test](test_centre_faults.py) finds in the database after",
    "ingest and worker. Where it is less, the rest is withheld and shown, not lost: it comes with",
    "a person's word, or with the readings. Rules: [RULES.md](../../compute/RULES.md).",
    "",
    "The *peer* is MyEMS, community edition: an own run of its cleaning and normalisation code on",
    "the same meter, in kWh of 1,440, of which one minute at the edge is pending, so that 1,439 is",
    "right. It does much that is not looked at here; an empty cell was not run.",
)
_CHINESE = (
    "电表 60 kWh/h，除注明外每分钟一读。“真值”为首末读数之间实际通过的量，由与本项目无共用代码的",
    "十进制程序算出；“本系统”为[测试](test_centre_faults.py)经采集、数据库与计算服务后在库中查得。",
    "少于真值者，差额已扣留并标出，未丢失，经人裁定或读数补到后计入。",
    "规则见 [RULES.md](../../compute/RULES.md)。",
    "“同类系统”为 MyEMS 社区版：自行运行其清洗与归一化代码，同一电表，单位 kWh，全日 1,440，",
    "其中边界一分钟未到，故 1,439 为正确。其他功能不在此列；空格表示未运行。",
)


def fault_page() -> str:
    """Return the table as a page in both languages."""
    lines = [
        "# What meters do wrong, and what is booked 表计的故障与计入的量",
        "",
        "Printed from [`fault_table.py`](fault_table.py).",
        "",
        *_ENGLISH,
        "",
        *_table("en"),
        "",
        "由 [`fault_table.py`](fault_table.py) 生成。" + "".join(_CHINESE),
        "",
        *_table("zh"),
        "",
    ]
    return "\n".join(lines)


def _table(language: Literal["en", "zh"]) -> Sequence[str]:
    head = _HEADS[language]
    rows = (_cells(row, language) for row in ROWS)
    return (_line(head), _line(["---"] * len(head)), *map(_line, rows))


def _cells(row: Row, language: Literal["en", "zh"]) -> Sequence[str]:
    return (
        row.id,
        row.case_en if language == "en" else row.case_zh,
        f"{_number(row.truth)} {row.unit}",
        f"{_number(row.given)} {row.unit}",
        _codes(row.rules),
        _codes(row.flags),
        row.peer_en if language == "en" else row.peer_zh,
    )


def _number(value: Decimal) -> str:
    return f"{value:,}"


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(fault_page(), end="")
