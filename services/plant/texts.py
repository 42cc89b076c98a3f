"""What is said of each fault of a plant description, in both languages."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText, warning
from services.plant.texts_of_balance import BALANCE
from services.plant.texts_of_benchmark import BENCHMARK
from services.plant.texts_of_form import READING, SHAPE
from services.plant.texts_of_life import LIVES
from services.plant.texts_of_tariff import TARIFF

DOCUMENT: Mapping[str, FaultText] = {
    "unknown_zone": FaultText(
        "时区不存在。",
        "No such time zone.",
        "用 IANA 名称，如 Asia/Shanghai。",
        "Use an IANA name such as Asia/Shanghai.",
    ),
    "zones_missing": FaultText(
        "本机没有时区数据。",
        "This machine has no time zone data.",
        "安装 tzdata。",
        "Install tzdata.",
    ),
    "unknown_region": FaultText(
        "没有该地区的因子。",
        "No factors are on file for this region.",
        "写 GB/T 2260 省级代码，如 320000。",
        "Give the GB/T 2260 code of the province, such as 320000.",
    ),
    "region_abroad": warning(
        "境外地区没有电网因子，外购电力的排放无效。",
        "No grid factors abroad: emissions of bought electricity are invalid.",
        "录入本租户自己的因子。",
        "Enter factors of your own.",
    ),
    "day_start_edge": FaultText(
        "日切时刻不在 {minutes} 分钟的边界上。",
        "Not on an edge of the {minutes} minute base interval.",
        "取 {minutes} 的整数倍。",
        "Choose a multiple of {minutes} minutes.",
    ),
    "valid_from_edge": FaultText(
        "生效时刻不在 {minutes} 分钟的边界上。",
        "Not on an edge of the {minutes} minute base interval.",
        "一个基本周期只能有一份描述，取边界时刻。",
        "One base interval has one description: choose an edge.",
    ),
    "member_of_enterprise": FaultText(
        "企业不能有成员。",
        "An enterprise has no members.",
        "kind 写 park，或删除 members。",
        "Write kind: park, or delete members.",
    ),
    "park_of_park": FaultText(
        "园区不再属于园区。",
        "A park lies in no park.",
        "删除 park。",
        "Delete park.",
    ),
    "park_is_self": FaultText(
        "与本租户相同。",
        "The tenant itself.",
        "写另一个租户的编码。",
        "Name another tenant.",
    ),
    "span_empty": FaultText(
        "结束不晚于开始 {start}。",
        "Ends no later than it starts, {start}.",
        "结束应晚于开始。",
        "Let it end after it starts.",
    ),
    "span_overlap": FaultText(
        "与 {other} 的有效期重叠。",
        "Its validity overlaps that of {other}.",
        "让前一项在后一项开始时结束。",
        "Let the earlier one end where the later one starts.",
    ),
    "duplicate_code": FaultText(
        "编码与 {other} 重复。",
        "The code is that of {other}.",
        "改用不同的编码。",
        "Give it another code.",
    ),
    "unknown_node": FaultText("没有该节点。", "No such node.", "改正编码。", "Correct the code."),
    "unknown_gateway": FaultText(
        "没有该网关。", "No such gateway.", "改正编码。", "Correct the code."
    ),
    "unknown_point": FaultText("没有该测点。", "No such point.", "改正编码。", "Correct the code."),
    "unknown_carrier": FaultText(
        "没有该能源品种。",
        "No such carrier.",
        "用参考表中的编码。",
        "Use a code of the reference table.",
    ),
    "tree_cycle": FaultText(
        "边界树成环：{cycle}。",
        "The boundary tree has a cycle: {cycle}.",
        "删除其中一个 parent。",
        "Delete one of these parents.",
    ),
}

FLOWS: Mapping[str, FaultText] = {
    "flow_to_itself": FaultText(
        "起点与终点相同。",
        "It ends where it starts.",
        "改正 from 或 to。",
        "Correct from or to.",
    ),
    "delivery_gives": FaultText(
        "外供节点不能有流出。",
        "A delivery gives nothing on.",
        "改变流向，或改节点类型。",
        "Turn the flow round, or make the node a bus.",
    ),
    "source_to_source": FaultText(
        "外部之间的能流不属于本厂。",
        "Both ends lie outside the plant.",
        "删除该能流，或改节点类型。",
        "Delete the flow, or correct the kind of a node.",
    ),
    "point_twice": FaultText(
        "同一测点计入两次。",
        "The point counts twice here.",
        "合并为一项，份额相加。",
        "Make it one entry with the sum of the shares.",
    ),
    "share_zero": FaultText("份额为 0。", "A share of 0.", "删除该项。", "Delete the entry."),
    "use_gives": warning(
        "终端使用节点有流出。",
        "A use gives energy on.",
        "应为 conversion 或 bus。",
        "Make it a conversion or a bus.",
    ),
    "storage_one_way": warning(
        "储能缺少充入或放出。",
        "A storage without charge or without discharge.",
        "补上另一方向的能流。",
        "Add the flow of the other direction.",
    ),
    "bus_one_way": warning(
        "节点只有单方向的能流，无法平衡。",
        "Flows of one direction only: it cannot balance.",
        "补上另一方向的能流。",
        "Add the flow of the other direction.",
    ),
    "node_alone": warning(
        "节点没有能流、下级和产品。",
        "A node without flows, children or products.",
        "连接或删除。",
        "Connect or delete it.",
    ),
    "unmetered": warning(
        "未计量，且不能由任何母线平衡求得。",
        "Unmetered, and no bus has it as its only unknown.",
        "加装表计，或让一端为只此一个未知量的 bus。",
        "Meter it, or let one end be a bus with no other unknown.",
    ),
}

POINTS: Mapping[str, FaultText] = {
    "username_form": FaultText(
        "用户名含冒号，代理的口令文件不能存。",
        "A broker's password file cannot hold a colon in the name.",
        "编码去掉冒号，或写 username。",
        "Take the colon out of the codes, or give a username.",
    ),
    "reserved_gateway": FaultText(
        "该编码用于输出主题。",
        "The topics of values out use this word.",
        "改用别的编码。",
        "Give it another code.",
    ),
    "duplicate_username": FaultText(
        "用户名与 {other} 相同。",
        "The user name is that of {other}.",
        "每个网关一个用户名。",
        "One user name for each gateway.",
    ),
    "topic_missing": FaultText(
        "neuron 网关缺少主题。",
        "A neuron gateway without its topic.",
        "写明其发布的主题。",
        "Give the topic it publishes to.",
    ),
    "topic_unused": FaultText(
        "本系统格式的主题由编码决定。",
        "The topic of our own form follows from the codes.",
        "删除 topic。",
        "Delete topic.",
    ),
    "topic_form": FaultText(
        "主题无效：不能含通配符、空层、控制字符，也不能在 nengtan/ 之下。",
        "Not a topic: no wildcard, empty level or control character, and not below nengtan/.",
        "写网关发布的确切主题。",
        "Give the exact topic the gateway publishes to.",
    ),
    "topic_shared": FaultText(
        "主题与 {other} 相同。",
        "The topic is that of {other}.",
        "每个网关一个主题。",
        "One topic for each gateway.",
    ),
    "class_form": FaultText(
        "neuron 不能接收回执。",
        "Neuron takes no receipts.",
        "写 acknowledged 或 best_effort。",
        "Write acknowledged or best_effort.",
    ),
    "signed_form": FaultText(
        "neuron 不能签名。",
        "Neuron cannot sign.",
        "删除 signed。",
        "Leave signed out.",
    ),
    "address_shared": FaultText(
        "网关地址与 {other} 相同且有效期重叠。",
        "The address on the gateway is that of {other}, and their validity overlaps.",
        "改地址，或让前一测点先失效。",
        "Correct the address, or let one end where the other starts.",
    ),
    "not_of_kind": FaultText(
        "{kind} 测点不用该项。",
        "A {kind} point has none.",
        "删除该项，或改 kind。",
        "Delete it, or correct the kind.",
    ),
    "needed_of_kind": FaultText(
        "{kind} 测点必须有该项。",
        "A {kind} point needs it.",
        "补上该项。",
        "Add it.",
    ),
    "register_unbounded": warning(
        "未给位数和额定最大速率：换表后的跳变会被当作用量。",
        "Neither digits nor a rated maximum: the jump to another meter would pass for consumption.",
        "补上 digits 或 rate_max_per_hour。",
        "Give digits or rate_max_per_hour.",
    ),
    "period_base": FaultText(
        "周期 {period} 分钟与基本周期 {minutes} 分钟不成整数倍。",
        "A period of {period} min and a base interval of {minutes} min do not divide evenly.",
        "使一个为另一个的整数倍。",
        "Make one a multiple of the other.",
    ),
    "period_long": warning(
        "周期 {period} 分钟长于基本周期 {minutes} 分钟，周期内的形状未知。",
        "A period of {period} min is longer than the base interval of {minutes} min: the shape "
        "inside it is unknown.",
        "采用更短的周期或更长的基本周期。",
        "Use a shorter period or a longer base interval.",
    ),
    "limits_order": FaultText(
        "下限不小于上限 {limit}。",
        "The least value is not below the largest, {limit}.",
        "改正上下限。",
        "Correct the limits.",
    ),
    "limit_modulus": warning(
        "上限超过字轮能显示的 {modulus}。",
        "Beyond what the digits can show, {modulus}.",
        "改正位数或上限。",
        "Correct the digits or the limit.",
    ),
    "unknown_unit": FaultText(
        "单位未知。", "Unknown unit.", "用单位表中的单位。", "Use a unit of the table."
    ),
    "rate_needed": FaultText(
        "瞬时值的单位不是速率。",
        "The unit of a gauge is not a rate.",
        "写 kW、m3/h、t/h 等，或改 kind。",
        "Write kW, m3/h, t/h or the like, or correct the kind.",
    ),
    "rate_refused": FaultText(
        "累计值或周期量的单位是速率 {unit}。",
        "A register or interval with {unit}, a rate.",
        "写用量单位，或 kind 写 gauge。",
        "Write the unit of the amount, or kind: gauge.",
    ),
    "quantity_unit": FaultText(
        "单位 {unit} 不是比值。",
        "{unit} is no ratio.",
        "写 1 或 %，或删除 quantity。",
        "Write 1 or %, or leave quantity out.",
    ),
    "unit_mismatch": FaultText(
        "测点 {point} 的 {unit} 不能换算为 {target}。",
        "{unit} of point {point} cannot become {target}.",
        "改正单位、测点或能源品种；Nm3 与 m3 不能互换。",
        "Correct the unit, the point or the carrier; Nm3 and m3 are not exchangeable.",
    ),
    "point_unused": warning(
        "测点不计量任何能流或产品。",
        "Measures no flow and no product.",
        "在 metered_by 中引用，或不管。",
        "Name it in a metered_by, or leave it for viewing only.",
    ),
    "point_ended": warning(
        "测点在本描述生效前已失效，却仍被计入。",
        "Ended before this description starts, and still counts.",
        "从 metered_by 删除。",
        "Take it out of metered_by.",
    ),
    "calibration_overdue": warning(
        "检定有效期早于本描述的生效日。",
        "Due before this description starts.",
        "检定后更新日期。",
        "Have it calibrated and renew the date.",
    ),
}

VIRTUAL: Mapping[str, FaultText] = {
    "virtual_is_point": FaultText(
        "与测点同名，公式中无法区分。",
        "A point has this code: a formula could not tell them apart.",
        "改用别的编码。",
        "Give it another code.",
    ),
    "unknown_operand": FaultText(
        "没有该测点或虚拟表。",
        "No such point or virtual meter.",
        "改正编码；编码含 - . : 时写在方括号里。",
        "Correct the code; one with - . : stands in brackets.",
    ),
    "formula_unexpected": FaultText(
        "第 {position} 个字符处的 {found} 不应出现在此。",
        "{found} cannot stand at character {position}.",
        "改正公式。",
        "Correct the formula.",
    ),
    "formula_end": FaultText(
        "公式没有写完。",
        "The formula ends too early.",
        "补全公式或括号。",
        "Complete it, or close its parentheses.",
    ),
    "formula_function": FaultText(
        "没有函数 {found}。",
        "No such function: {found}.",
        "用 if、min、max、abs、first_known。",
        "Use if, min, max, abs or first_known.",
    ),
    "formula_arguments": FaultText(
        "{found} 要 {wanted} 个参数，给了 {given} 个。",
        "{found} takes {wanted} values, {given} are given.",
        "改正参数。",
        "Correct what stands in its parentheses.",
    ),
    "formula_long": FaultText(
        "公式过长，最多 {limit}。",
        "Longer than {limit}.",
        "拆成几个虚拟表。",
        "Make several virtual meters of it.",
    ),
    "formula_deep": FaultText(
        "括号嵌套超过 {limit} 层。",
        "Nested deeper than {limit}.",
        "拆成几个虚拟表。",
        "Make several virtual meters of it.",
    ),
    "formula_constant": FaultText(
        "公式不含任何测点或虚拟表。",
        "The formula names no point and no virtual meter.",
        "引用至少一个。",
        "Name at least one.",
    ),
    "formula_cycle": FaultText(
        "虚拟表互相引用成环：{cycle}。",
        "Virtual meters need each other in a cycle: {cycle}.",
        "从其中一个公式里去掉引用。",
        "Take the reference out of one of these formulas.",
    ),
}

TEXTS: Mapping[str, FaultText] = {
    **READING,
    **SHAPE,
    **DOCUMENT,
    **FLOWS,
    **POINTS,
    **LIVES,
    **BALANCE,
    **VIRTUAL,
    **TARIFF,
    **BENCHMARK,
}
