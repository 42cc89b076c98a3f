"""What is said of faults in a tariff."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText, warning

TARIFF: Mapping[str, FaultText] = {
    "tariff_target": FaultText(
        "应在 flow 与 carrier 中写且只写一个。",
        "Needs one of flow and carrier, not both.",
        "删去一个或补上一个。",
        "Delete one, or add one.",
    ),
    "tariff_unknown_flow": FaultText(
        "没有该能流。", "No such flow.", "改正能流编码。", "Correct the code of the flow."
    ),
    "tariff_no_supply": warning(
        "没有该品种的能流从厂外流入，此价格不会用到。",
        "No flow of this carrier enters the site: the price is used by nothing.",
        "改正品种，或改用 flow。",
        "Correct the carrier, or name a flow.",
    ),
    "tariff_twice": FaultText(
        "{other} 已为同一对象定价。",
        "{other} prices the same.",
        "合并为一项，用 versions 分期。",
        "Make them one, with a version for each first day.",
    ),
    "tariff_version_twice": FaultText(
        "同一生效日有两个版本。",
        "Two versions begin on this day.",
        "保留一个，或改正生效日。",
        "Keep one, or correct its first day.",
    ),
    "tariff_code_twice": FaultText(
        "编码重复。", "The code stands twice.", "改用别的编码。", "Give it another code."
    ),
    "tariff_unknown_band": FaultText(
        "没有该时段电价。", "No such band.", "改正编码或补上单价。", "Correct it, or add its price."
    ),
    "tariff_unknown_schedule": FaultText(
        "没有该日时段表。",
        "No such day schedule.",
        "改正编码或补上时段表。",
        "Correct it, or add the schedule to days.",
    ),
    "tariff_unit": FaultText(
        "{unit} 不能换算为该品种的 {target}。",
        "{unit} cannot become {target}, the unit of the carrier.",
        "改正计价单位；Nm3 与 m3 不能互换。",
        "Correct the unit; Nm3 and m3 are not exchangeable.",
    ),
    "tariff_times_missing": FaultText(
        "有多个单价，却没有季节或时段表说明何时适用。",
        "Several prices, and no seasons and days that say when each holds.",
        "补上 seasons 与 days，或只留一个单价。",
        "Add seasons and days, or keep one price.",
    ),
    "tariff_span_empty": FaultText(
        "时段的止不晚于起。",
        "The span does not end after it begins.",
        "跨午夜的时段分成两段：到 24:00，再从 00:00。",
        "Split a span over midnight: up to 24:00, and from 00:00 on.",
    ),
    "tariff_time_gap": FaultText(
        "{start} 至 {end} 没有时段。",
        "No band from {start} to {end}.",
        "补上该时段。",
        "Add a span for it.",
    ),
    "tariff_time_overlap": FaultText(
        "{start} 至 {end} 有两个时段。",
        "Two bands from {start} to {end}.",
        "改正起止时刻。",
        "Correct where they begin and end.",
    ),
    "tariff_time_edge": FaultText(
        "不在基本周期（{minutes} 分钟）的边界上。",
        "Not an edge of the base interval of {minutes} min.",
        "改正时刻，或用更短的基本周期。",
        "Correct it, or describe the site with a shorter base interval.",
    ),
    "tariff_season_gap": FaultText(
        "{start} 至 {end} 不属于任何季节。",
        "No season from {start} to {end}.",
        "补全，使全年（含 02-29）都有季节。",
        "Complete them: each day of the year, 02-29 too, needs one.",
    ),
    "tariff_season_overlap": FaultText(
        "{start} 至 {end} 属于两个季节。",
        "Two seasons from {start} to {end}.",
        "改正起止日。",
        "Correct where they begin and end.",
    ),
    "tariff_holidays_missing": FaultText(
        "有节假日时段表，却没有节假日历。",
        "A schedule for holidays, and no calendar that says which days are holidays.",
        "在 special_days 中写明节假日，或删去 holiday。",
        "List the holidays in special_days, or delete holiday.",
    ),
    "tariff_holidays_year": warning(
        "节假日历没有 {year} 年的日子，该年按星期计价。",
        "The calendar has no day of {year}: that year is priced by the day of the week.",
        "补上该年的节假日。",
        "Add the holidays of that year.",
    ),
    "tariff_days_reversed": FaultText(
        "末日早于首日，或超过一年。",
        "Ends before it begins, or is longer than a year.",
        "改正起止日。",
        "Correct its ends.",
    ),
    "tariff_days_twice": FaultText(
        "{day} 已在另一条特殊日中。",
        "{day} stands in another entry of special_days too.",
        "只保留一处。",
        "Keep one of them.",
    ),
    "tariff_steps_order": FaultText(
        "各档起点未递增。",
        "The levels do not ascend.",
        "按起点从小到大排列。",
        "Put them in ascending order, each above once.",
    ),
    "tariff_agreed_missing": FaultText(
        "按合同需量或容量计费，却没有约定值。",
        "By contract or capacity, and no agreed value.",
        "补上 agreed：合同需量（kW）或变压器容量（kVA）。",
        "Add agreed: the demand of the contract [kW], or the capacity [kVA].",
    ),
    "tariff_agreed_unused": FaultText(
        "按实际最大需量计费，不用约定值。",
        "By actual demand nothing is agreed.",
        "删去 agreed，或改正方式。",
        "Delete agreed, or correct the method.",
    ),
    "tariff_window": FaultText(
        "需量窗口不是基本周期（{minutes} 分钟）的整数倍。",
        "The demand window is not a multiple of the base interval of {minutes} min.",
        "改正窗口，或用更短的基本周期。",
        "Correct it, or describe the site with a shorter base interval.",
    ),
    "tariff_basic_carrier": FaultText(
        "基本电费只用于电力。",
        "A basic charge by power is for electricity only.",
        "删去 basic。",
        "Delete basic.",
    ),
    "tariff_price_negative": warning(
        "单价为负：用量向用户付费。",
        "A negative price: the user is paid for it.",
        "如非本意，请改正。",
        "Correct it if it is not meant.",
    ),
}
