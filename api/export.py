"""Tables as CSV: streamed page by page, safe to open in a spreadsheet.

UTF-8 with a byte order mark, for Excel on a Chinese Windows reads a file without one as GBK. A
text cell that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

MEDIA_TYPE = "text/csv"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Page = tuple[Sequence[Mapping[str, Any]], Any]
"""Rows, and the place from which the next page goes on, None at the end."""

CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        "description": "JSON, or CSV where `Accept: text/csv` asks for it: every row of the period,"
        " whatever the limit. JSON；请求头 `Accept: text/csv` 时为整个时段的 CSV。",
    }
}


def wants_csv(request: Request) -> bool:
    """Return whether the request would rather have CSV than JSON."""
    quality = {"text/csv": 0.0, "application/json": 0.0}
    for part in request.headers.get("accept", "").split(","):
        media_type, _, parameters = part.strip().partition(";")
        if media_type.strip().lower() in quality:
            quality[media_type.strip().lower()] = _quality(parameters)
    return quality["text/csv"] > quality["application/json"]


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def cell(value: object) -> object:
    """Return a value as it stands in a cell: instants in RFC 3339, no formulas, empty for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict | bool):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, list | tuple):
        return cell(" ".join(str(part) for part in value))
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def stream(
    *,
    file_name: str,
    columns: Sequence[str],
    first: Page,
    following: Callable[[Any], Awaitable[Page]],
    headers: Mapping[str, str],
) -> StreamingResponse:
    """Return a table whose pages are read as they are sent.

    Parameters
    ----------
    file_name : str
        Without `.csv`; ASCII.
    columns : sequence of str
        Keys of the rows, and the heads of the table.
    first : Page
        Read already, so that faults of the request are still answered as such.
    following : callable
        Reads the page at a place.
    headers : mapping
        Of the answer, such as its instant.
    """
    return StreamingResponse(
        _lines(columns, first, following),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}.csv"',
            **headers,
        },
    )


async def _lines(
    columns: Sequence[str], first: Page, following: Callable[[Any], Awaitable[Page]]
) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf" + _encode([columns])
    rows, place = first
    while True:
        yield _encode([cell(row[column]) for column in columns] for row in rows)
        if place is None:
            return
        rows, place = await following(place)


def _encode(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
