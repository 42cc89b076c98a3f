"""What the demo's meters have shown and the centre has not been sent: spans of time, newest first.

It goes out in pieces beside the live readings, on connections of its own, so that live readings
never wait for it, and today is complete before last week is.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec


class Span(NamedTuple):
    """Readings every `step_us` of [start, end), of one gateway or of all."""

    start_us: int
    end_us: int
    step_us: int
    gateway: str | None = None


def newest_piece(spans: list[Span], *, length_us: int) -> Span:
    """Return the newest piece of some spans, no longer than a length.

    Pieces begin at multiples of the length, so that those of several spans lie together.
    """
    newest = max(spans, key=lambda span: span.end_us)
    edge_us = (newest.end_us - 1) // length_us * length_us
    return newest._replace(start_us=max(newest.start_us, edge_us))


class Backlog:
    """The spans of one plant, kept in a file.

    A piece is taken off after it was put into the outboxes: a crash between the two sends it once
    more, and the centre counts duplicates and keeps the first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spans: list[Span] = []
        if path.exists():
            self.spans = msgspec.json.decode(path.read_bytes(), type=list[Span])

    def add(self, span: Span) -> None:
        """Have a span sent, too."""
        if span.start_us < span.end_us and span not in self.spans:
            self._replace([*self.spans, span])

    def remove(self, piece: Span) -> None:
        """Take a piece off that `newest_piece` gave: it was put into the outboxes."""
        left: list[Span] = []
        for span in self.spans:
            if span[1:] != piece[1:]:
                left.append(span)
            elif span.start_us < piece.start_us:
                left.append(span._replace(end_us=piece.start_us))
        self._replace(left)

    def _replace(self, spans: list[Span]) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(spans))
        new.replace(self._path)
        self.spans = spans
