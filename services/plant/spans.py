"""Spans of validity, half-open, where None is without end."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


def overlaps(
    rows: Sequence[tuple[int, datetime | None, datetime | None]],
) -> Iterator[tuple[int, int]]:
    """Yield the rows whose span overlaps one that begins earlier: (earlier, later).

    Parameters
    ----------
    rows : sequence of (int, datetime or None, datetime or None)
        Row, start and end of each span. Empty spans overlap nothing.
    """
    spans = sorted(
        (start or _BEGINNING, row, end or _END)
        for row, start, end in rows
        if (start or _BEGINNING) < (end or _END)
    )
    longest: tuple[datetime, int] | None = None
    for start, row, end in spans:
        if longest is not None and start < longest[0]:
            yield longest[1], row
        if longest is None or end > longest[0]:
            longest = (end, row)
