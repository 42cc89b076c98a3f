"""The public fault table: what goes wrong, what was truly passed, and what the centre gives.

The tests take every row through ingest, database and worker (`test_centre_faults`), and the page
is printed from it (`fault_page`). `peer` is what the direct open-source peer gives, MyEMS community
edition: figures of an own run of its cleaning and normalisation code, on a meter of 60 kWh/h whose
truth over 24 h is 1,440 kWh, of which one minute at the edge is pending.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    id : str
    case_zh, case_en : str
    truth, given : Decimal
        What passed between the first and the last reading, and what the centre gives. [unit]
    unit : str
    rules : tuple of str
        Of `compute.rules`: what decides. None: nothing but the readings.
    flags : tuple of str
        Quality bits that are shown somewhere in the span, and no others are.
    peer_zh, peer_en : str
        Empty where the peer was not run.
    fault : str
        Name of the fault of `meters` that this is; empty for rows about the centre.
    """

    id: str
    case_zh: str
    case_en: str
    truth: Decimal
    given: Decimal
    unit: Literal["kWh", "CNY", "tCO2"] = "kWh"
    rules: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    peer_zh: str = ""
    peer_en: str = ""
    fault: str = ""


_FULL = Decimal(1439)

ROWS: tuple[Row, ...] = (
    Row(
        "F01",
        "正常，每分钟一个读数",
        "Nothing is wrong; a reading a minute",
        _FULL,
        _FULL,
        rules=("rise",),
        peer_zh="1,439",
        peer_en="1,439",
        fault="normal",
    ),
    Row(
        "F02",
        "每个读数收到多次",
        "Every reading comes more than once",
        _FULL,
        _FULL,
        rules=("rise",),
        peer_zh="1,439",
        peer_en="1,439",
        fault="every reading twice",
    ),
    Row(
        "F03",
        "表码在 10^6 归零，每分钟一读",
        "The register wraps at 10^6, read every minute",
        _FULL,
        _FULL,
        rules=("rollover",),
        flags=("rollover",),
        peer_zh="少计归零那一步 1 kWh，无提示",
        peer_en="loses the step across the wrap, 1 kWh, silently",
        fault="the register wraps at 10^6, read every 1 min",
    ),
    Row(
        "F04",
        "表码在 10^6 归零，每 15 分钟一读",
        "The register wraps at 10^6, read every 15 min",
        Decimal(1425),
        Decimal(1425),
        rules=("rollover",),
        flags=("rollover",),
        peer_zh="少计归零那一步 15 kWh，无提示",
        peer_en="loses the step across the wrap, 15 kWh, silently",
        fault="the register wraps at 10^6, read every 15 min",
    ),
    Row(
        "F05",
        "换上从 0 开始的新表，未登记",
        "Another meter that begins at 0, without a record",
        _FULL,
        Decimal(1438),
        rules=("decrease",),
        flags=("partial", "decrease"),
        peer_zh="1,438",
        peer_en="1,438",
        fault="another meter that shows 0, without a record",
    ),
    Row(
        "F06",
        "换上起码 500 的表，未登记",
        "Another meter that begins at 500, without a record",
        _FULL,
        Decimal(1438),
        rules=("decrease",),
        flags=("partial", "decrease"),
        peer_zh="1,438",
        peer_en="1,438",
        fault="another meter that shows 500, without a record",
    ),
    Row(
        "F07",
        "换上起码 50,000 的旧表，未登记；停 1 h",
        "A used meter that begins at 50,000, without a record; 1 h without power",
        Decimal(1379),
        Decimal(1379),
        rules=("spike",),
        flags=("missing", "spike"),
        peer_zh="49,660，虚增 48,280 kWh；上限设为 100 时 1,320，该小时记 0",
        peer_en="49,660: 48,280 kWh that never were; with a limit of 100: 1,320, that hour is 0",
        fault="a used meter that shows 50,000, its exchange not recorded; 23 h run",
    ),
    Row(
        "F08",
        "换上起码 50,000 的旧表，登记为另一测点；停 1 h",
        "A used meter that begins at 50,000, recorded as another point; 1 h without power",
        Decimal(1379),
        Decimal(1379),
        rules=("rise",),
        fault="a used meter that shows 50,000, its exchange recorded; 23 h run",
    ),
    Row(
        "F09",
        "通信中断 6 h，之后恢复",
        "6 h without communication, then it is back",
        _FULL,
        _FULL,
        rules=("gap",),
        flags=("interpolated",),
        peer_zh="1,439，但六个小时记 0，随后一小时记 420；上限设为 100 时 1,019，丢 420 kWh",
        peer_en="1,439, but six hours of 0 and then 420 in one; with a limit of 100: 1,019, "
        "420 kWh lost",
        fault="6 h without communication",
    ),
    Row(
        "F10",
        "3 h 的读数迟到",
        "3 h of readings come after all others",
        _FULL,
        _FULL,
        rules=("rise",),
        peer_zh="各小时停在 0，下一小时 240；迟到的 180 个读数不再处理",
        peer_en="the hours stay 0, the next has 240; the 180 late readings are never looked at",
        fault="3 h of readings arrive after all others",
    ),
    Row(
        "F11",
        "一个读数偏高 1,000",
        "One reading is 1,000 too high",
        _FULL,
        _FULL,
        rules=("outlier_high",),
        flags=("spike",),
        peer_zh="2,438，虚增 999 kWh",
        peer_en="2,438: 999 kWh that never were",
        fault="one reading +1,000",
    ),
    Row(
        "F12",
        "一个读数偏低 1,000",
        "One reading is 1,000 too low",
        _FULL,
        _FULL,
        rules=("outlier_low",),
        flags=("decrease",),
        fault="one reading -1,000",
    ),
    Row(
        "F13",
        "新表的第一个小时",
        "The first hour of a new meter",
        Decimal(59),
        Decimal(59),
        rules=("rise", "first"),
        peer_zh="0（按其规则）",
        peer_en="0, by rule",
        fault="the first hour of a new meter",
    ),
    Row(
        "F14",
        "计算服务停 6 h，采集继续（11 h）",
        "The computing service stands still for 6 h while readings come (11 h)",
        Decimal(659),
        Decimal(659),
        peer_zh="清洗服务停 6 h：660 中计 299，360 kWh 永久丢失，存六个 0",
        peer_en="its cleaning service down for 6 h: 299 of 660, 360 kWh lost for good, six hours "
        "of 0 stored",
    ),
    Row(
        "F15",
        "两块表之一离线：车间之上的合计，当时",
        "One of two meters is offline: the sum above them, meanwhile",
        Decimal(2878),
        _FULL,
        rules=("lacking", "open"),
        flags=("open", "missing", "partial"),
        peer_zh="该空间及其所有上级没有任何数据，直到补传",
        peer_en="that space and all its parents get no rows at all until it is uploaded",
    ),
    Row(
        "F16",
        "同上，补传之后",
        "The same, once it has been uploaded",
        Decimal(2878),
        Decimal(2878),
    ),
    Row(
        "F17",
        "08:30 与 11:30 变价，一天的电费",
        "Prices change at 08:30 and 11:30: the cost of a day",
        Decimal(819),
        Decimal(819),
        unit="CNY",
        peer_zh="半小时模式下 08:30–09:00 和 11:30–12:00 按前一价格；小时模式不支持半点变价",
        peer_en="in half-hour mode 08:30–09:00 and 11:30–12:00 get the previous price; in hourly "
        "mode such edges are impossible",
    ),
    Row(
        "F18",
        "排放因子自第二天起由 0.5366 改为 1.0，事后录入：两天的排放",
        "The factor changes from 0.5366 to 1.0 on the second day, and is stated afterwards: the "
        "emission of both",
        Decimal("2.211704"),
        Decimal("2.211704"),
        unit="tCO2",
        peer_zh="已存排放不变（其设计如此）；只能手工清空某日以来的派生表重算",
        peer_en="stored carbon stays as it was, by design; the only recalculation is to wipe all "
        "derived tables since a date by hand",
    ),
    Row(
        "F19",
        "时区 00:00 的年报：跨年三天中 2024 年的部分",
        "Yearly report at UTC offset 00:00: what of three days lies in 2024",
        Decimal(2880),
        Decimal(2880),
        peer_zh="满载两年并为一年：2024 显示 17,520 h",
        peer_en="of two full years it makes one: 2024 shows 17,520 h",
    ),
    Row(
        "F20",
        "同上，2025 年的部分",
        "The same: what lies in 2025",
        Decimal(1440),
        Decimal(1440),
        peer_zh="2025 显示 24 h",
        peer_en="2025 shows 24 h",
    ),
    Row(
        "F21",
        "闰年：2024 年 2 月，自 27 日起",
        "Leap year: February 2024, from the 27th on",
        Decimal(4320),
        Decimal(4320),
    ),
    Row(
        "F22",
        "时区 −05:00 的一天；前后只有 4 kWh/h",
        "A day at −05:00; before and after it only 4 kWh/h",
        Decimal(1440),
        Decimal(1440),
        peer_zh="日界错位：忽略偏移的正负与分钟",
        peer_en="days are shifted: sign and minutes of the offset are ignored",
    ),
    Row(
        "F23",
        "时区 +05:30 的一天；前后只有 4 kWh/h",
        "A day at +05:30; before and after it only 4 kWh/h",
        Decimal(1440),
        Decimal(1440),
        peer_zh="同上",
        peer_en="the same",
    ),
)
