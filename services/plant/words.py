"""The kinds of word a plant description is made of: codes, texts, instants, units."""

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

_TEXT_LENGTH_MAX = 200
_YEAR_MIN = 1990
_YEAR_END = 2200
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK_FORM = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_MONTH_DAY_FORM = r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_INSTANT_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


def said(zh: str, en: str, about_zh: str, about_en: str) -> FieldInfo:
    """Return what the published schema says of a field, in both languages."""
    info: FieldInfo = Field(title=f"{en} {zh}", description=f"{about_en} {about_zh}")
    return info


def _code(value: str) -> str:
    # "." and ".." are steps of a path, not names.
    if not value.strip("."):
        raise PydanticCustomError("code_dots", "a code needs a letter or a digit")
    return value


def visible_text(value: str) -> str:
    """Return the text in composed form; what cannot be seen or turns the reading order is refused.

    The categories are control, format (bidirectional marks, zero-width), lone surrogate, private
    use and unassigned, line and paragraph separators.
    """
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise PydanticCustomError(
                "text_hidden",
                "{character} is not visible",
                {"character": f"U+{ord(character):04X}"},
            )
    composed = unicodedata.normalize("NFC", value)
    if not composed.strip():
        raise PydanticCustomError("text_blank", "the text is blank")
    return composed


def _day(value: object) -> object:
    # Pydantic would also take a number of seconds: only the written form is meant.
    if not isinstance(value, str) or not _DAY_FORM.fullmatch(value):
        raise PydanticCustomError("day_form", "not a date YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("day_form", "no such day") from error


def _instant(value: object) -> object:
    # As above; and an instant without its offset would be read in somebody's zone.
    if not isinstance(value, str) or not _INSTANT_FORM.fullmatch(value):
        raise PydanticCustomError("instant_form", "not an instant with its offset")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("instant_form", "no such instant") from error
    if not _YEAR_MIN <= instant.year < _YEAR_END:
        raise PydanticCustomError("instant_range", "not in the years that can be kept")
    return instant


def _clock(value: str) -> str:
    if not re.fullmatch(_CLOCK_FORM, value):
        raise PydanticCustomError("clock_form", "not a time of day HH:MM")
    return value


def _month_day(value: str) -> str:
    if not re.fullmatch(_MONTH_DAY_FORM, value):
        raise PydanticCustomError("month_day_form", "not a day of the year MM-DD")
    try:
        # Of a leap year, so that 29 February is one.
        date.fromisoformat(f"2024-{value}")
    except ValueError as error:
        raise PydanticCustomError("month_day_form", "no such day of the year") from error
    return value


Code = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$"),
    AfterValidator(_code),
]
Text = Annotated[
    str, Field(min_length=1, max_length=_TEXT_LENGTH_MAX), AfterValidator(visible_text)
]
Unit = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(visible_text)]
Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
# The end of the day is 24:00.
Clock = Annotated[
    str, AfterValidator(_clock), WithJsonSchema({"type": "string", "pattern": f"^({_CLOCK_FORM})$"})
]
MonthDay = Annotated[
    str,
    AfterValidator(_month_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_MONTH_DAY_FORM}$"}),
]


class Part(BaseModel):
    """A part of a plant description: unknown keys are refused, and it never changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        serialize_by_alias=True,
    )


class Name(Part):
    """What people call something, in both languages (中英文名称)."""

    zh: Annotated[Text, said("中文名称", "Chinese name", "中文界面显示。", "Shown in Chinese.")]
    en: Annotated[Text, said("英文名称", "English name", "英文界面显示。", "Shown in English.")]
