"""What is said of faults in the lives of points and meters, in both languages."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText

LIVES: Mapping[str, FaultText] = {
    "life_empty": FaultText(
        "变更没有内容。",
        "The change changes nothing.",
        "写出倍率、位数、表码或停用，或删除此行。",
        "Name a multiplier, digits, a reading or the retirement, or delete the row.",
    ),
    "life_same_instant": FaultText(
        "测点 {point} 在同一时刻有两次变更。",
        "Point {point} changes twice at one instant.",
        "合并为一次，或改正其中一个时刻。",
        "Make one change of them, or correct one of the instants.",
    ),
    "life_order": FaultText(
        "早于前一次变更 {other}。",
        "Earlier than the change before it, {other}.",
        "按时间先后排列，或改正时刻。",
        "Order them by time, or correct the instant.",
    ),
    "life_before_start": FaultText(
        "不晚于测点的生效时刻 {start}。",
        "Not after the point's own start, {start}.",
        "改正时刻；起始时的倍率写在测点上。",
        "Correct the instant; what holds from the start stands at the point.",
    ),
    "life_after_end": FaultText(
        "测点已于 {end} 失效或停用。",
        "The point has ended by then: {end}.",
        "改正其中一个时刻。",
        "Correct one of the instants.",
    ),
    "life_retired_more": FaultText(
        "停用之后不再有此项。",
        "There is no such thing after the retirement.",
        "只保留 last_reading，或不停用而写换表。",
        "Keep only last_reading, or write an exchange instead.",
    ),
    "life_forgotten": FaultText(
        "与已录入的变更不符：自 {since} 起为 {other}。",
        "A fact says otherwise: {other} since {since}.",
        "改正描述，或撤回该变更，或补录其后的变更。",
        "Correct the description, withdraw the fact, or enter the change that came after it.",
    ),
    "life_digits": FaultText(
        "表码超出 {digits} 位整数所能显示的范围。",
        "{digits} integer digits cannot show this reading.",
        "改正表码（未乘倍率），或改正位数。",
        "Correct the reading (before the multiplier), or the digits.",
    ),
    "life_falls": FaultText(
        "低于同一表计此前的表码 {level}。",
        "Lower than what the same register showed before, {level}.",
        "改正表码；如已换表，请写 first_reading。",
        "Correct the reading; if the meter was exchanged, give first_reading.",
    ),
    "calibration_order": FaultText(
        "早于检定日期 {start}。",
        "Earlier than the day of the calibration, {start}.",
        "改正日期。",
        "Correct one of the days.",
    ),
}
