"""A computation that may fail: a defect that costs the figures it is about and nothing else."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from compute.periods import from_us

_log = structlog.get_logger()
_Result = TypeVar("_Result")


def tried(compute: Callable[[], _Result], *, site: str, window: tuple[int, int]) -> _Result | None:
    """Return what a computation gives, None if it failed.

    A kernel that raises is a defect; it costs the figures it is about and nothing else.
    """
    try:
        return compute()
    except Exception:  # noqa: BLE001 - see above
        _log.exception(
            "recompute.failed",
            site=site,
            start=from_us(window[0]).isoformat(),
            end=from_us(window[1]).isoformat(),
        )
        return None
