"""What can be wrong with a file, with a row or with a cell of it; said in both languages."""

from dataclasses import dataclass

from services.refusal import Refusal


class FileRefused(Refusal):
    """The file cannot be read as the map says; what was read before stays valid."""

    code = "file_refused"


class FileTypeRefused(FileRefused):
    """The content is of a kind that is not read, whatever the name of the file says."""

    code = "file_type"


class FileTooLarge(FileRefused):
    """The file is larger than what is taken at once, packed or unpacked."""

    code = "too_large"


class Unreadable(ValueError):
    """A cell that is no time or no number: `code` names the kind, both texts go to people."""

    def __init__(self, code: str, text: str, zh: str) -> None:
        super().__init__(text)
        self.code = code
        self.zh = zh


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell, or with an empty `column` a row, that became no reading."""

    line: int  # of the file, from 1
    column: str
    value: str
    code: str
    reason: str
    reason_zh: str

    def __str__(self) -> str:
        """Return place, value and reason in one line."""
        column = f", column {self.column!r}" if self.column else ""
        return f"line {self.line}{column}: {self.value!r} {self.reason}"
