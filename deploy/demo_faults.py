"""What goes wrong in the demo on request: which faults, what is said of them, and where it is kept.

The faults of a demo are one file in its folder. The gateways look at it before every reading, so a
fault may be asked for at any time, by `--fault` or by `nengtan demo-fault`, and a restart repeats
what happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from compute.periods import from_us
from deploy.simulated_faults import SINGLE, Fault

_SECOND_US = 1_000_000
# Every meter of the demo is read at multiples of this.
_ALIGNED_US = 10 * _SECOND_US
_LEAD_US = 10 * _SECOND_US
# How many hours ago the machine shop's meter lost a phase, and for how many.
_PHASES_LOST_H = ((243, 8), (171, 8), (99, 8), (27, 8), (3, 1))


class DemoFault(StrEnum):
    """What the demo can show."""

    OVER_EMISSION = "over-emission"
    METER_EXCHANGE = "meter-exchange"
    GAP = "gap"
    SPIKE = "spike"
    WRONG_METER = "wrong-meter"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is said of a fault, and where it can be seen."""

    zh: str
    en: str


_SHOWN: Mapping[DemoFault, _Shown] = {
    DemoFault.OVER_EMISSION: _Shown(
        "退火窑炉门未关、1 号中频炉超功率：煤耗 2.5 倍、电耗 1.6 倍，持续一小时。"
        "看“总览”的 tCO₂ 与强度、“能流”中变宽的煤和电、“趋势”的 annealing-coal 与 furnace-power。",
        "the kiln's door stays open and induction furnace 1 runs over: 2.5 times the coal and 1.6 "
        "times the power, for an hour. See tCO2 and intensity on Overview, the wider coal and "
        "power on Energy flow, annealing-coal and furnace-power on Trends.",
    ),
    DemoFault.METER_EXCHANGE: _Shown(
        "1 号中频炉换表：新表起码 652,000，远高于旧表；厂区描述已更新版本。"
        "看“表计”中 furnace 与 furnace.2，以及“趋势”的 furnace-power：没有多计数亿 kWh。",
        "the meter of induction furnace 1 is exchanged: the new register begins at 652,000, far "
        "above the old one, and the description has a new version. See furnace and furnace.2 on "
        "Meters, and furnace-power on Trends: no phantom 348 GWh.",
    ),
    DemoFault.GAP: _Shown(
        "铸造网关断网 90 秒，随后补传。看“表计”中铸造车间各表的数据龄期上升后恢复，合计自动补齐。",
        "the foundry's gateway is cut off for 90 s and delivers afterwards. See the age of the "
        "foundry's meters on Meters grow and recover, and the totals fill up by themselves.",
    ),
    DemoFault.SPIKE: _Shown(
        "1 号进线的一个读数高出 1,000（乘倍率后为 400 万 kWh）。"
        "看“表计”中 grid-1 的质量标记 spike；全厂用电量不变。",
        "one reading of feeder 1 is 1,000 too high (4 million kWh with its multiplier). See the "
        "flag spike of grid-1 on Meters; the plant's total stays as it is.",
    ),
    DemoFault.WRONG_METER: _Shown(
        "机加工总表的一相电流断开：只计三分之二，持续三小时，读数本身毫无异常。"
        "看“能量平衡”：下一个基本周期结束后，平衡点名 machining-power；"
        "一个半小时后，“告警”报 MeterSuspect。",
        "a phase of the machine shop's meter is not connected: it counts two thirds for three "
        "hours, and no reading looks odd. See Balance: once the next interval is over, it names "
        "machining-power; after an hour and a half MeterSuspect is among the alerts.",
    ),
}


def faults_of(kind: DemoFault, *, now_us: int) -> list[Fault]:
    """Return what happens, from the next instant on at which every meter is read."""
    start_us = (now_us + _LEAD_US) // _ALIGNED_US * _ALIGNED_US + _ALIGNED_US
    hour_us = 3_600 * _SECOND_US
    if kind is DemoFault.OVER_EMISSION:
        return [
            Fault(
                kind="over_emission",
                target=flow,
                start_us=start_us,
                duration_us=hour_us,
                size=factor,
            )
            for flow, factor in (("annealing-coal", 2.5), ("furnace-power", 1.6))
        ]
    if kind is DemoFault.METER_EXCHANGE:
        return [Fault(kind="exchange", target="M-FURNACE", start_us=start_us, size=652_000.0)]
    if kind is DemoFault.WRONG_METER:
        return [_phase_lost(start_us, 3 * hour_us)]
    if kind is DemoFault.GAP:
        gap_us = 90 * _SECOND_US
        return [Fault(kind="late", target="gw-foundry", start_us=start_us, duration_us=gap_us)]
    return [
        Fault(kind="spike", target="grid-1", start_us=start_us, duration_us=SINGLE, size=1_000.0)
    ]


def standing_faults(*, now_us: int) -> list[Fault]:
    """Return what is wrong by itself in the past of a new demo: now and then a meter errs."""
    hour_us = 3_600 * _SECOND_US
    now_us = now_us // (hour_us // 4) * (hour_us // 4)
    return [
        _phase_lost(now_us - before * hour_us, length * hour_us)
        for before, length in _PHASES_LOST_H
    ]


def _phase_lost(start_us: int, duration_us: int) -> Fault:
    return Fault(
        kind="gain", target="machining", start_us=start_us, duration_us=duration_us, size=2 / 3
    )


def announcement(kind: DemoFault, faults: list[Fault]) -> str:
    """Return what the terminal says of a fault that was asked for."""
    shown = _SHOWN[kind]
    at = from_us(faults[0].start_us).astimezone().strftime("%H:%M:%S")
    return f"\n异常 fault “{kind}” {at}\n  {shown.zh}\n  {shown.en}\n"


class FaultFile:
    """The faults of a demo, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "faults.json"
        self._seen: int | None = None

    def exists(self) -> bool:
        """Return whether faults were ever kept: not in a new demo."""
        return self._path.exists()

    def read(self) -> list[Fault]:
        """Return every fault so far."""
        if not self._path.exists():
            return []
        return msgspec.json.decode(self._path.read_bytes(), type=list[Fault])

    def add(self, faults: list[Fault]) -> None:
        """Keep further faults."""
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.format(msgspec.json.encode([*self.read(), *faults])))
        new.replace(self._path)

    def has_changed(self) -> bool:
        """Return whether it was written since this was asked last; True the first time."""
        stamp = self._path.stat().st_mtime_ns if self._path.exists() else 0
        changed = stamp != self._seen
        self._seen = stamp
        return changed
