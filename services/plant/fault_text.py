"""The form of what is said of a fault, in both languages."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FaultText:
    """Message and remedy of a fault; `{…}` are facts that the finding fills in."""

    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str
    severity: Literal["error", "warning"] = "error"


def warning(message_zh: str, message_en: str, remedy_zh: str, remedy_en: str) -> FaultText:
    """Return the text of something doubtful that does not stop a description."""
    return FaultText(message_zh, message_en, remedy_zh, remedy_en, severity="warning")
