"""What is wrong with a plant description: place, value, remedy, in both languages."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from compute.errors import NengtanError
from services.plant.fault_text import FaultText
from services.plant.texts import TEXTS

Severity = Literal["error", "warning"]
Place = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_VALUE_LENGTH_MAX = 120
FINDING_COUNT_MAX = 500
_SIMILARITY_MIN = 0.6


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a document.

    Attributes
    ----------
    code
        Its name in `texts`, for programs.
    place
        Keys and list positions from the top of the document; `path` is the same as one text.
    value
        What stands there; a list or a mapping is only named.
    nearest
        What was probably meant, if something is near.
    line
        Line of a YAML document, from 1.
    """

    code: str
    severity: Severity
    place: Place
    value: Scalar
    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str
    nearest: str | None = None
    line: int | None = None

    @property
    def path(self) -> str:
        """Return the place as one text, such as `meters[2].points[0].unit`."""
        text = ""
        for step in self.place:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    @property
    def remedy(self) -> str:
        """Return what to do, in both languages."""
        return f"{self.remedy_zh} {self.remedy_en}"

    def __str__(self) -> str:
        """Return the finding as one line: place, value, fault, remedy."""
        line = "" if self.line is None else f" (line {self.line})"
        near = "" if self.nearest is None else f" → {self.nearest}"
        return (
            f"{self.path or '/'}{line}: {self.value!r}{near}: "
            f"{self.message_zh} {self.message_en} {self.remedy}"
        )


class PlantInvalid(NengtanError):
    """A plant description cannot be taken; `findings` says everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        super().__init__(
            f"{len(errors)} 处错误 errors:\n" + "\n".join(str(finding) for finding in errors)
        )


def finding(
    code: str,
    place: Place,
    value: object = None,
    *,
    nearest: str | None = None,
    line: int | None = None,
    texts: Mapping[str, FaultText] = TEXTS,
    **facts: object,
) -> Finding:
    """Return a finding with the texts of its code, which may name the facts."""
    text = texts[code]
    return Finding(
        code=code,
        severity=text.severity,
        place=place,
        value=_shown(value),
        message_zh=text.message_zh.format(**facts),
        message_en=text.message_en.format(**facts),
        remedy_zh=text.remedy_zh.format(**facts),
        remedy_en=text.remedy_en.format(**facts),
        nearest=nearest,
        line=line,
    )


def limited(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, errors first; beyond a number that anyone reads, only their count."""
    ordered = sorted(findings, key=lambda finding: finding.severity != "error")
    if len(ordered) <= FINDING_COUNT_MAX:
        return tuple(ordered)
    more = finding("more", (), count=len(ordered) - FINDING_COUNT_MAX)
    # An error when it stands for errors, so that the rest cannot pass unseen.
    return (*ordered[:FINDING_COUNT_MAX], replace(more, severity=ordered[-1].severity))


class Nearest:
    """Finds the known word nearest to an unknown one, within a budget of comparisons.

    A document may hold as many wrong references as right names: comparing all with all would
    take minutes, so the first faults get a proposal and the others none.
    """

    def __init__(
        self, comparisons: int = 50_000, *, similarity_min: float = _SIMILARITY_MIN
    ) -> None:
        self._comparisons_left = comparisons
        self._similarity_min = similarity_min

    def of(self, word: object, known: Iterable[str]) -> str | None:
        """Return the nearest known word, or None if none is near or the budget is spent."""
        candidates = list(known)
        if not isinstance(word, str) or len(candidates) > self._comparisons_left:
            return None
        self._comparisons_left -= len(candidates)
        folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
        matches = difflib.get_close_matches(
            word.casefold()[:_VALUE_LENGTH_MAX], folded, n=1, cutoff=self._similarity_min
        )
        return folded[matches[0]] if matches else None


def _shown(value: object) -> Scalar:
    """Return a value as it can be shown: containers are named, long texts are cut."""
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list | tuple):
        return "[…]"
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= _VALUE_LENGTH_MAX else f"{text[:_VALUE_LENGTH_MAX]}…"
