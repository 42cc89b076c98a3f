"""Alert rules as people write them: groups of rules in the shape of Prometheus, as frozen records.

The records hold the shape of a document. What its expressions say of the plants is in `check`, and
what it becomes for the kernels in `compile`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.plant.words import Code, Part, said, visible_text

EXPRESSION_LENGTH_MAX = 2000
RULE_COUNT_MAX = 200
LABEL_COUNT_MAX = 20
# Longer, and nobody remembers what was waited for.
DURATION_US_MAX = 31 * 86_400_000_000

Severity = Literal["info", "warning", "critical"]

_UNITS_US = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_DURATION_FORM = r"(?=.)([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,6}s)?"


@lru_cache(maxsize=1024)
def duration_us(text: str) -> int:
    """Return how long a duration of `Duration`'s form is. [µs]."""
    parts = re.findall(r"([0-9]+)([dhms])", text)
    return sum(int(count) * _UNITS_US[unit] for count, unit in parts)


def _duration(value: str) -> str:
    if not re.fullmatch(_DURATION_FORM, value) or duration_us(value) > DURATION_US_MAX:
        raise PydanticCustomError("duration_form", "not a duration such as 90s, 15m or 1h30m")
    return value


Duration = Annotated[
    str,
    AfterValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION_FORM}$"}),
]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]
LabelValue = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(visible_text)]
Expression = Annotated[str, Field(min_length=1, max_length=EXPRESSION_LENGTH_MAX)]
Words = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(visible_text)]


class Wording(Part):
    """A text with places to fill in, in both languages (中英文文案).

    `{{value}}`, `{{limit}}`, `{{node}}` and the like are replaced by what they name
    (`services.alert_rules.wording`); nothing in a text is run.
    """

    zh: Annotated[Words, said("中文", "Chinese", "中文文案。", "In Chinese.")]
    en: Annotated[Words, said("英文", "English", "英文文案。", "In English.")]


class Annotations(Part):
    """What an alert says (告警文案)."""

    summary: Annotated[
        Wording, said("摘要", "Summary", "一行：何处、何事。", "One line: where and what.")
    ]
    description: Annotated[
        Wording | None,
        said("说明", "Description", "含义与处置办法。", "What it means and what to do."),
    ] = None


class Rule(Part):
    """A condition that people want to be told of (告警规则)."""

    alert: Annotated[
        Code, said("名称", "Alert", "告警名称，组内唯一。", "Its name, unique in the group.")
    ]
    expr: Annotated[
        Expression,
        said(
            "条件",
            "Expression",
            "如 forecast(emission_tco2e[month]) > budget(emission_tco2e[month])。",
            "Such as forecast(emission_tco2e[month]) > budget(emission_tco2e[month]).",
        ),
    ]
    hold: Annotated[
        Duration,
        Field(alias="for"),
        said("持续", "For", "条件持续多久才告警，如 5m。", "It must hold for this long, as 5m."),
    ] = "0s"
    keep_firing_for: Annotated[
        Duration,
        said("保持", "Keep firing for", "条件消失多久才解除。", "It must be gone for this long."),
    ] = "0s"
    resolve_when: Annotated[
        Expression | None,
        said(
            "解除条件",
            "Resolve when",
            "回差：省略时条件不再成立即解除。",
            "For hysteresis; left out, as soon as the condition does not hold.",
        ),
    ] = None
    severity: Annotated[
        Severity, said("级别", "Severity", "提示、警告或严重。", "info, warning or critical.")
    ] = "warning"
    labels: Annotated[
        Mapping[LabelName, LabelValue],
        Field(max_length=LABEL_COUNT_MAX),
        said("标签", "Labels", "用于分派，如 team: energy。", "For routing, as team: energy."),
    ] = {}
    annotations: Annotated[
        Annotations, said("文案", "Annotations", "告警时所说的话。", "What the alert says.")
    ]

    @property
    def for_us(self) -> int:
        """How long the condition must hold. [µs]."""
        return duration_us(self.hold)

    @property
    def keep_firing_us(self) -> int:
        """How long the condition must be gone. [µs]."""
        return duration_us(self.keep_firing_for)


class Group(Part):
    """Rules that are stated together, in dated revisions (告警规则组)."""

    name: Annotated[Code, said("组名", "Name", "租户内唯一。", "Unique in the tenant.")]
    rules: Annotated[
        tuple[Rule, ...],
        Field(max_length=RULE_COUNT_MAX),
        said("规则", "Rules", "告警规则。", "The rules of the group."),
    ] = ()


class RuleFile(Part):
    """A file of groups, in the shape of Prometheus rule files (规则文件)."""

    groups: Annotated[
        tuple[Group, ...],
        Field(max_length=100),
        said("组", "Groups", "告警规则组。", "Groups of rules."),
    ] = ()
