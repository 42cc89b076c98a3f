"""Reference figures: dated factors with their source, and the lookup that says how it found them.

A figure that was only recalled is inactive until a person confirms it. See README.md.
"""

from services.reference.book import FactorBook
from services.reference.files import Carrier, Region, Tables, load_tables
from services.reference.hourly import (
    HOURLY_CARRIER,
    HOURLY_UNIT,
    HourlyFactors,
    HourlyStatement,
    with_hours,
    with_lacking_hours,
)
from services.reference.limits import Limit, LimitKind, find_limits
from services.reference.records import (
    CarrierNotFound,
    Confidence,
    Confirmation,
    ConfirmationIncomplete,
    Factor,
    FactorInactive,
    FactorNotFound,
    FactorUnavailable,
    Found,
    Override,
    OverrideRefused,
    RegionNotFound,
    ValidityOverlap,
)
from services.reference.use import (
    FactorUse,
    MissingFactor,
    UsedFactor,
    carrier_factors,
    change_dates,
)

__all__ = [
    "HOURLY_CARRIER",
    "HOURLY_UNIT",
    "Carrier",
    "CarrierNotFound",
    "Confidence",
    "Confirmation",
    "ConfirmationIncomplete",
    "Factor",
    "FactorBook",
    "FactorInactive",
    "FactorNotFound",
    "FactorUnavailable",
    "FactorUse",
    "Found",
    "HourlyFactors",
    "HourlyStatement",
    "Limit",
    "LimitKind",
    "MissingFactor",
    "Override",
    "OverrideRefused",
    "Region",
    "RegionNotFound",
    "Tables",
    "UsedFactor",
    "ValidityOverlap",
    "carrier_factors",
    "change_dates",
    "find_limits",
    "load_tables",
    "with_hours",
    "with_lacking_hours",
]
