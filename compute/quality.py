"""Quality of readings and of results: one bit mask, from which good, uncertain and bad follow.

The same bits travel with a reading and with everything computed from it, so that a month can say
that one of its quarters stands on a rolled-over register.
"""

from collections.abc import Mapping
from enum import IntFlag
from typing import Literal

Grade = Literal["good", "uncertain", "bad"]


class Quality(IntFlag):
    """One bit per thing that can be said of a value. 0 is good.

    The low half is said of readings, the high half of results; values fit a 32-bit integer.
    """

    GOOD = 0
    # Of readings.
    SOURCE_BAD = 1 << 0  # the device or gateway reported an error: there is no value
    SOURCE_UNCERTAIN = 1 << 1  # the device said so itself
    QOS0 = 1 << 2  # sent without acknowledgement: a loss would not be noticed
    RETAINED = 1 << 3  # the broker's copy of an old message
    ZONE_ASSUMED = 1 << 4  # the stamp had no zone: the point's was taken
    CONFLICT = 1 << 5  # another value arrived for the same instant
    CORRECTED = 1 << 6  # a person's value stands for it
    ACCEPTED = 1 << 7  # a person took it for right: what was withheld is booked
    RANGE = 1 << 8  # outside of what is plausible
    STEP = 1 << 9  # too far from the one before it
    RATE = 1 << 10  # changed too fast since the one before it
    MAINTENANCE = 1 << 11  # the device says that it was being serviced
    # Of results.
    OPEN = 1 << 12  # the interval has not ended, or its end is not covered yet
    MISSING = 1 << 13  # no reading covers any of the interval: there is no amount
    PARTIAL = 1 << 14  # readings cover only part of the interval
    INTERPOLATED = 1 << 15  # a gap was bridged: the sum is right, the shape is not known
    ROLLOVER = 1 << 16  # a register passed its last digit
    DECREASE = 1 << 17  # a register fell without a record: its step is withheld for review
    SPIKE = 1 << 18  # a step beyond what the point can pass: withheld for review
    HELD = 1 << 19  # a gauge was silent for longer than it may be held
    DERIVED = 1 << 20  # an unmetered flow, found as the balance of its node
    FACTOR_MISSING = 1 << 21  # a factor is missing or not confirmed: the figure is invalid
    UNBALANCED = 1 << 22  # inputs and outputs of the node differ beyond its tolerance
    UNDEFINED = 1 << 23  # no value can be computed: divides by zero, overflows, or fails
    SPLIT = 1 << 24  # a multiplier changed between two readings: what was passed before is assumed
    FROZEN = 1 << 25  # the value has not changed for longer than it may
    # Of readings again: their half is full.
    CALIBRATION = 1 << 26  # the device says that it was being calibrated
    DRIFT = 1 << 27  # the device says that it had drifted beyond what it may
    BELOW_DETECTION = 1 << 28  # the device says that it cannot tell the value from 0


# Of a period that goes on: what has not come yet.
LACKING = int(Quality.OPEN | Quality.PARTIAL | Quality.MISSING)
BAD = (
    Quality.SOURCE_BAD
    | Quality.MISSING
    | Quality.DECREASE
    | Quality.SPIKE
    | Quality.FACTOR_MISSING
    | Quality.UNDEFINED
)


def grade(quality: int) -> Grade:
    """Return the grade that a mask amounts to: bad if anything is withheld or absent.

    What an open interval lacks may still come: it is uncertain, not bad.
    """
    bad = BAD & ~Quality.MISSING if quality & Quality.OPEN else BAD
    if quality & bad:
        return "bad"
    return "uncertain" if quality else "good"


def flag_names(quality: int) -> list[str]:
    """Return the names of the bits that are set, lower case, in the order of the bits."""
    return [flag.name.lower() for flag in Quality if flag.name and flag.value & quality]


# What people call each bit: 中文, English.
FLAG_TEXTS: Mapping[Quality, tuple[str, str]] = {
    Quality.SOURCE_BAD: ("设备或网关报告错误，无数值", "The device or gateway reported an error"),
    Quality.SOURCE_UNCERTAIN: ("设备自报数值存疑", "The device itself says that it is uncertain"),
    Quality.QOS0: ("无应答传输，丢失不可察觉", "Sent without acknowledgement"),
    Quality.RETAINED: ("代理服务器保留的旧报文", "The broker's copy of an old message"),
    Quality.ZONE_ASSUMED: (
        "时间戳无时区，按测点时区解释",
        "The stamp had no zone: the point's was taken",
    ),
    Quality.CONFLICT: ("同一时刻收到不同数值", "Another value arrived for the same instant"),
    Quality.CORRECTED: ("人工更正值", "A person's value stands for it"),
    Quality.ACCEPTED: ("经审核采信", "A person took it for right"),
    Quality.RANGE: ("超出核查范围", "Outside its plausible range"),
    Quality.STEP: ("与前一读数之差超限", "Too far from the reading before it"),
    Quality.RATE: ("变化过快", "Changed too fast"),
    Quality.MAINTENANCE: ("设备维护中，数值不用", "The device was being serviced: not used"),
    Quality.OPEN: (
        "周期尚未结束或数据未到齐",
        "The interval is not over, or not covered to its end",
    ),
    Quality.MISSING: ("没有读数", "No reading covers any of it"),
    Quality.PARTIAL: ("读数只覆盖部分时段", "Readings cover only part of it"),
    Quality.INTERPOLATED: (
        "跨越数据缺口，总量可信、分布未知",
        "A gap was bridged: the sum is right, the shape unknown",
    ),
    Quality.ROLLOVER: ("表码翻转", "A register passed its last digit"),
    Quality.DECREASE: (
        "表码无故减小，待审核",
        "A register fell without a record: withheld for review",
    ),
    Quality.SPIKE: (
        "突变超出测点能力，待审核",
        "A step beyond what the point can pass: withheld for review",
    ),
    Quality.HELD: ("沿用此前数值，超出新鲜时限", "An older value is held on to"),
    Quality.DERIVED: ("未装表，由节点平衡推算", "Not metered: found as the balance of its node"),
    Quality.FACTOR_MISSING: (
        "缺少已确认的因子，数值无效",
        "A factor is missing or not confirmed: invalid",
    ),
    Quality.UNBALANCED: (
        "节点收支差超出允许范围",
        "Inputs and outputs of the node differ beyond tolerance",
    ),
    Quality.SPLIT: (
        "倍率在两次读数之间变更，变更前后的份额按时间推定",
        "A multiplier changed between two readings: the shares before and after are by time",
    ),
    Quality.UNDEFINED: (
        "无法算出数值：除以零、溢出或计算出错",
        "No value can be computed: a division by zero, an overflow, or a fault",
    ),
    Quality.FROZEN: ("数值长时间不变", "The value has not changed for longer than it may"),
    Quality.CALIBRATION: ("设备校准中，数值不用", "The device was being calibrated: not used"),
    Quality.DRIFT: (
        "设备漂移超限，数值不用",
        "The device had drifted beyond what it may: not used",
    ),
    Quality.BELOW_DETECTION: (
        "低于设备检出限",
        "Below what the device can tell from 0",
    ),
}
