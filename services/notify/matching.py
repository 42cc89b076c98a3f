"""Matchers on labels, in the form of Alertmanager: routes and silences are chosen by them."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.plant.words import Part

# Patterns are taken from a small language that no input can make slow: alternatives of literals,
# classes and a few `.*`. Python's own engine would need ages for `(a+)+$`.
_ATOM = r"(?:\\[^A-Za-z0-9\n]|\[\^?[A-Za-z0-9_:, .-]+\]|[^\\^$.|?*+()\[\]{}\n])"
_ALTERNATIVE = rf"(?:{_ATOM}|\.[*+]?)*"
_PATTERN = re.compile(rf"{_ALTERNATIVE}(?:\|{_ALTERNATIVE})*")
_WILDCARDS_MAX = 3
_WRITTEN = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(=~|!~|!=|=)\s*(?:"(.{0,200})"|(.{0,200}?))\s*""",
    re.DOTALL,
)


class PatternRefused(ValueError):
    """A pattern beyond what is taken."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    inner = pattern.removeprefix("^").removesuffix("$")
    for opening in ("(?:", "("):
        if inner.startswith(opening) and inner.endswith(")") and not inner.endswith(r"\)"):
            inner = inner[len(opening) : -1]
            break
    wildcards = max(len(re.findall(r"\.[*+]", part)) for part in inner.split("|"))
    if not _PATTERN.fullmatch(inner) or wildcards > _WILDCARDS_MAX:
        raise PatternRefused(pattern)
    try:
        return re.compile(f"(?:{inner})", re.DOTALL)
    except re.error as error:
        raise PatternRefused(pattern) from error


def _pattern(matcher: "Matcher") -> "Matcher":
    if matcher.is_regex:
        try:
            _compiled(matcher.value)
        except PatternRefused as error:
            raise PydanticCustomError(
                "pattern",
                "the pattern is not taken: write alternatives such as a|b.*, with at most"
                " {count} of .* or .+ in each, no repeated groups",
                {"count": _WILDCARDS_MAX},
            ) from error
    return matcher


class LabelMatcher(Part):
    """What the value of a label must be, or must not be; a missing label is the empty text."""

    model_config = ConfigDict(populate_by_name=True)

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    value: Annotated[str, Field(max_length=200)]
    is_regex: Annotated[bool, Field(alias="isRegex")] = False
    is_equal: Annotated[bool, Field(alias="isEqual")] = True


Matcher = Annotated[LabelMatcher, AfterValidator(_pattern)]


def read_matcher(text: str) -> LabelMatcher:
    """Return the matcher that a text such as `node=~"hall|yard.*"` is.

    Raises
    ------
    PatternRefused
        If it is none, or its pattern is not taken.
    """
    parts = _WRITTEN.fullmatch(text)
    if parts is None:
        raise PatternRefused(text)
    name, sign, quoted, bare = parts.groups()
    value = bare if quoted is None else quoted.replace(r"\"", '"').replace(r"\\", "\\")
    is_regex = sign in ("=~", "!~")
    if is_regex:
        _compiled(value)
    return LabelMatcher(name=name, value=value, is_regex=is_regex, is_equal=sign in ("=", "=~"))


def matches(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Return whether labels satisfy every matcher; a pattern must match the whole value."""
    return all(_holds(matcher, labels.get(matcher.name, "")) for matcher in matchers)


def _holds(matcher: LabelMatcher, value: str) -> bool:
    if matcher.is_regex:
        found = _compiled(matcher.value).fullmatch(value) is not None
    else:
        found = matcher.value == value
    return found == matcher.is_equal
