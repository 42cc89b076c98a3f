"""Figures and instants as answers have them."""

import math
from datetime import datetime


def finite(value: float) -> float | None:
    """Return a figure, None where it is none (NaN) or infinite."""
    return float(value) if math.isfinite(value) else None


def iso_utc(at: datetime) -> str:
    """Return an instant of UTC as text that ends in Z."""
    return at.isoformat().replace("+00:00", "Z")
