"""Daily life as numbers: how much a free amount of a simulated plant is, at any instant.

A profile is constant over five minutes of the week and scaled by a number of the day, with waves
inside the five minutes whose integral over them is zero. So the integral to any instant is two
table look-ups and a cosine: the value at a time does not depend on when it is asked for, and an
episode (a kiln left open for an hour) is a factor between two instants.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from compute.periods import from_us

Float1D = npt.NDArray[np.float64]
Float2D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]

_SLOT_COUNT = 288
_SLOT_HOURS = 24.0 / _SLOT_COUNT
_SLOT_US = 300_000_000
_DAY_US = 86_400_000_000
_DAY_FIRST = 18_262  # 2020-01-01, in days since 1970-01-01
_DAY_COUNT = 7_305  # to the end of 2039
_DAY_NOISE = 0.08
_SLOT_NOISE = 0.05
_RIPPLE = 0.04  # of the rate
_RIPPLE_COUNT_MAX = 4  # waves in five minutes
EFFICIENCY = 0.87  # of a conversion that says nothing, and of a battery from charge to discharge


class Episode(NamedTuple):
    """A time in which one free amount is `factor` times what it would be."""

    row: int
    start_us: int
    end_us: int
    factor: float


@dataclass(frozen=True)  # not slotted: its tables are made once, when first asked for
class Profiles:
    """The free amounts, one row each: a week of rates, and a number for every day.

    Attributes
    ----------
    rate : (k, 7, 288) float64
        Rate in every five minutes of the week, Monday first. [unit per hour]
    day_factor : (k, d) float64
        What the rates of each day are multiplied by.
    ripple : (k,) float64
        Height of the waves inside the five minutes, as a share of the rate.
    ripple_count : (k,) float64
        How many waves.
    offset_us : int
        Of local time, without daylight saving. [µs]
    episodes : tuple of Episode
        What happens beside.
    """

    rate: npt.NDArray[np.float64]
    day_factor: Float2D
    ripple: Float1D
    ripple_count: Float1D
    offset_us: int
    episodes: tuple[Episode, ...] = ()

    def cumulative(self, ts_us: Int1D) -> Float2D:
        """Return the integral of every profile from the first day to each instant, (k, n).

        Raises
        ------
        ValueError
            If an instant is outside the years that are simulated.
        """
        total = self._usual(ts_us, slice(None))
        for row, start_us, end_us, factor in self.episodes:
            span_us = np.concatenate([[start_us], np.clip(ts_us, start_us, end_us)])
            [usual] = self._usual(span_us, slice(row, row + 1))
            total[row] += (factor - 1.0) * (usual[1:] - usual[0])
        return total

    def rates(self, ts_us: Int1D) -> Float2D:
        """Return the rate of every profile at each instant, (k, n). [unit per hour]."""
        day, slot, rest_us = self._local(ts_us)
        wave = np.sin(self._angle(rest_us, slice(None)))
        rates: Float2D = self.rate[:, _weekday(day), slot] * self.day_factor[:, day]
        rates *= 1.0 + self.ripple[:, None] * wave
        for row, start_us, end_us, factor in self.episodes:
            rates[row, (ts_us >= start_us) & (ts_us < end_us)] *= factor
        return rates

    def lowest(self) -> Float2D:
        """Return the least rate of every five minutes of the week, on the least of days, (k, s)."""
        share = self.day_factor.min(axis=1) * (1.0 - self.ripple)
        lowest: Float2D = share[:, None] * self.rate.reshape(len(self.rate), -1)
        return lowest

    def highest(self) -> Float2D:
        """Return the most of every five minutes of the week, on the most of days, (k, s)."""
        share = self.day_factor.max(axis=1) * (1.0 + self.ripple)
        highest: Float2D = share[:, None] * self.rate.reshape(len(self.rate), -1)
        return highest

    def smaller(self, factor: Float1D) -> "Profiles":
        """Return the profiles, each multiplied by a factor, (k,)."""
        return replace(self, rate=self.rate * factor[:, None, None])

    def with_episodes(self, episodes: Sequence[Episode]) -> "Profiles":
        """Return the profiles with other episodes."""
        return replace(self, episodes=tuple(episodes))

    def _usual(self, ts_us: Int1D, rows: slice) -> Float2D:
        """Return the integrals of some rows without any episode."""
        day, slot, rest_us = self._local(ts_us)
        weekday = _weekday(day)
        angle = self._angle(rest_us, rows)
        per_wave = self.ripple[rows] / (2.0 * np.pi * self.ripple_count[rows])
        share = rest_us / _SLOT_US + per_wave[:, None] * (1.0 - np.cos(angle))
        step = self.rate[rows][:, weekday, slot] * (_SLOT_HOURS * share)
        within: Float2D = self._before_slot[rows][:, weekday, slot] + step
        return self._before_day[rows][:, day] + self.day_factor[rows][:, day] * within

    def _angle(self, rest_us: Int1D, rows: slice) -> Float2D:
        angle: Float2D = self.ripple_count[rows][:, None] * (2.0 * np.pi * rest_us / _SLOT_US)
        return angle

    @cached_property
    def _before_slot(self) -> npt.NDArray[np.float64]:
        """Return the integral from each midnight to each slot of its day, (k, 7, 288)."""
        step = self.rate * _SLOT_HOURS
        before: npt.NDArray[np.float64] = np.cumsum(step, axis=2) - step
        return before

    @cached_property
    def _before_day(self) -> Float2D:
        """Return the integral from the first day to each midnight, (k, d)."""
        of_weekday = (self.rate * _SLOT_HOURS).sum(axis=2)
        of_day = of_weekday[:, _weekday(np.arange(_DAY_COUNT))] * self.day_factor
        before: Float2D = np.cumsum(of_day, axis=1) - of_day
        return before

    def _local(self, ts_us: Int1D) -> tuple[Int1D, Int1D, Int1D]:
        """Return the day, the slot of the day and the time since its start of each instant."""
        day, of_day_us = np.divmod(ts_us + self.offset_us, _DAY_US)
        day -= _DAY_FIRST
        if np.any((day < 0) | (day >= _DAY_COUNT)):
            raise ValueError("the simulator knows the years 2020 to 2039; ask for an instant there")
        slot, rest_us = np.divmod(of_day_us, _SLOT_US)
        return day, slot, rest_us


def _weekday(day: Int1D) -> Int1D:
    return (day + _DAY_FIRST + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0


def make_profiles(
    codes: Sequence[str], shapes: Sequence[str], rate_max: Float1D, *, seed: int, time_zone: str
) -> Profiles:
    """Return the profiles of some free amounts.

    Parameters
    ----------
    codes : sequence of str
        What each one's noise is drawn for; amounts of one code vary together.
    shapes : sequence of str
        `solar`, `charge`, `discharge`, `office`, `shifts`, `day`, `night`, `melting` or `steady`.
    rate_max : (k,) float64
        Rate at the top of the shape. [unit per hour]
    """
    count = len(codes)
    rate = np.empty((count, 7, _SLOT_COUNT))
    day_factor = np.empty((count, _DAY_COUNT))
    ripple, ripple_count = np.full(count, _RIPPLE), np.ones(count)
    for row, (code, shape) in enumerate(zip(codes, shapes, strict=True)):
        draw = np.random.default_rng([seed, zlib.crc32(code.encode())])
        noise = 1.0 - _SLOT_NOISE * draw.random((7, _SLOT_COUNT))
        if "charge" in shape:
            # What a battery gives must be what it took, every day: its shapes have no noise.
            noise, ripple[row] = np.ones_like(noise), 0.0
        rate[row] = rate_max[row] * _shape(shape) * noise
        day_factor[row] = 1.0 - _DAY_NOISE * draw.random(_DAY_COUNT)
        ripple_count[row] = draw.integers(1, _RIPPLE_COUNT_MAX, endpoint=True)
    first = from_us(_DAY_FIRST * _DAY_US).astimezone(ZoneInfo(time_zone))
    offset = first.utcoffset()
    if offset is None:
        raise AssertionError("an aware datetime has an offset")
    offset_us = round(offset.total_seconds() * 1e6)
    return Profiles(rate, day_factor, ripple, ripple_count, offset_us)


def _shape(name: str) -> Float2D:
    """Return a week of a shape between 0 and 1, (7, 288)."""
    hour = np.arange(0.5, _SLOT_COUNT, dtype=np.float64) * _SLOT_HOURS
    saturday, sunday = 5, 6
    week = np.tile(_working_day(name, hour), (7, 1))
    if name == "office":
        week[saturday:] = 0.2
    elif name == "day":
        week[sunday] = 0.1
    elif name in {"shifts", "melting"}:
        week[sunday] = 0.25
    return week


def _working_day(name: str, hour: Float1D) -> Float1D:
    """Return a working day of a shape, (288,)."""
    two_shifts = 0.2 + 0.8 * np.maximum(
        _hump(hour, start=6.0, end=14.2), 0.9 * _hump(hour, start=14.0, end=22.5)
    )
    dark = _hump(hour, start=-1.0, end=6.0) + _hump(hour, start=18.0, end=25.0)
    # A heat of seventy minutes: fifty of full power, then tapping and charging.
    heats = np.where(np.arange(_SLOT_COUNT) % 14 < 10, 1.0, 0.55)
    # The energy of six hours of charging, less the losses, in four hours of the evening.
    discharge = np.where((hour >= 17.0) & (hour < 21.0), EFFICIENCY * 6.0 / 4.0, 0.0)
    days = {
        "solar": np.clip(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0, None) ** 1.5,
        "charge": np.where(hour < 6.0, 1.0, 0.0),
        "discharge": discharge,
        "steady": 0.85 + 0.1 * np.sin(hour / 24.0 * 2.0 * np.pi),
        "night": 0.05 + 0.95 * dark,
        "office": 0.15 + 0.85 * _hump(hour, start=8.0, end=18.0),
        "day": 0.1 + 0.9 * _hump(hour, start=7.5, end=17.0),
        "shifts": two_shifts,
        "melting": two_shifts * heats,
    }
    return days[name]


def _hump(hour: Float1D, *, start: float, end: float) -> Float1D:
    """Return 1 between two hours and 0 outside, with slopes of half an hour."""
    rise: Float1D = 1.0 / (1.0 + np.exp(-(hour - start) * 8.0))
    fall: Float1D = 1.0 / (1.0 + np.exp(-(hour - end) * 8.0))
    return rise - fall
