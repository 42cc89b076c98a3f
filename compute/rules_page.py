"""The table of `compute.rules` as a page in both languages: how it is printed, and nothing else."""

from collections.abc import Sequence
from typing import Literal

from compute.quality import flag_names, grade
from compute.rules import RULES

_HEADS = {
    "en": ("rule", "of", "when", "what is booked", "quality bits", "grade"),
    "zh": ("规则", "对象", "条件", "计入", "质量标志", "等级"),
}
_KINDS_ZH = {
    "register": "累计值",
    "gauge": "瞬时值",
    "interval": "周期量",
    "any": "各类测点",
    "site": "厂区",
}


def rules_page() -> str:
    """Return the table as a page in both languages."""
    english = (
        "Printed from [`rules.py`](rules.py). The limit is the rated maximum rate × time;",
        "without a rating, all digits once in 1,500 h (IEC 62052-11); without digits too, none.",
        "One last digit is allowed on top.",
    )
    chinese = (
        "由 [`rules.py`](rules.py) 生成。限值为额定最大速率 × 时间；",
        "未给额定值时，按字轮 1500 小时走满一圈；位数也未给时无限值。另容许一个末位。",
    )
    lines = [
        "# From readings to amounts 从读数到用量",
        "",
        *english,
        "",
        *_table("en"),
        "",
        "".join(chinese),
        "",
        *_table("zh"),
        "",
    ]
    return "\n".join(lines)


def _table(language: Literal["en", "zh"]) -> Sequence[str]:
    head = _HEADS[language]
    return (
        table_row(head),
        table_row(["---"] * len(head)),
        *(
            table_row(
                [
                    f"`{rule.name}`",
                    rule.kind if language == "en" else _KINDS_ZH[rule.kind],
                    rule.when_en if language == "en" else rule.when_zh,
                    rule.booked_en if language == "en" else rule.booked_zh,
                    ", ".join(f"`{name}`" for name in flag_names(rule.quality)),
                    grade(rule.quality),
                ]
            )
            for rule in RULES
        ),
    )


def table_row(cells: Sequence[str]) -> str:
    """Return a row of a table as pages have it."""
    return f"| {' | '.join(cells)} |"
