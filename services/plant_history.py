"""Which plant description held when, for answers over a period."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.plant.model import Plant
from services.store import topology
from services.store.pool import Connection

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class PlantSpan:
    """A description and the part of a period in which it holds."""

    plant: Plant
    start: datetime
    end: datetime


async def plants_over(
    connection: Connection, site_id: int, *, start: datetime, end: datetime
) -> list[PlantSpan]:
    """Return the descriptions that hold somewhere in [start, end), oldest first.

    Time before the first description is in none.
    """
    versions = await topology.plant_versions(connection, site_id)
    # Of descriptions that begin at one instant, the last applied holds.
    by_start = {version.valid_from: version for version in versions}
    starts = sorted(by_start)
    spans = []
    for index, valid_from in enumerate(starts):
        valid_to = starts[index + 1] if index + 1 < len(starts) else end
        first, last = max(start, valid_from), min(end, valid_to)
        if first < last:
            document = msgspec.json.encode(by_start[valid_from].document)
            spans.append(PlantSpan(Plant.model_validate_json(document), first, last))
    return spans


def joined(spans: list[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that touch as one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)
