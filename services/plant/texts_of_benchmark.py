"""What is said of faults in benchmarks and shifts."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText, warning

BENCHMARK: Mapping[str, FaultText] = {
    "benchmark_unit": FaultText(
        "不是可对标的单位。",
        "Not a unit of unit consumption or efficiency.",
        "写作 能量/产出，如 kgce/t、kWh/t、kW/(m3/min)，或 %、W/W。",
        "Write energy/output, such as kgce/t, kWh/t or kW/(m3/min); or %, W/W.",
    ),
    "benchmark_energy_missing": FaultText(
        "没有说明计哪些能源。",
        "Nothing says which energy is counted.",
        "补上 nodes 或 flows。",
        "Add nodes or flows.",
    ),
    "benchmark_output": FaultText(
        "应在 product 与 output_flows 中写且只写一个。",
        "Needs one of product and output_flows, not both.",
        "删去一个或补上一个。",
        "Delete one, or add one.",
    ),
    "benchmark_unknown": FaultText(
        "没有该{what_zh}。", "No such {what_en}.", "改正编码。", "Correct the code."
    ),
    "benchmark_twice": FaultText(
        "与 {other} 重复计入同一能源。",
        "Counts energy that {other} counts already.",
        "删去一个：上级节点已含下级，能流已在节点边界内。",
        "Delete one: a node counts what lies in it, and what flows into it.",
    ),
    "benchmark_output_unit": FaultText(
        "产出单位 {found} 不能换算为 {wanted}。",
        "{found}, the unit of the output, cannot become {wanted}.",
        "改正产品、能流或 unit；Nm3 与 m3 不能互换。",
        "Correct the product, the flow or the unit; Nm3 and m3 are not exchangeable.",
    ),
    "benchmark_outside": FaultText(
        "source 与 delivery 在所有边界之外，没有消费。",
        "A source or delivery lies outside every boundary and consumes nothing.",
        "改用厂内节点。",
        "Name a node of the site.",
    ),
    "benchmark_limit_unknown": FaultText(
        "限额库中没有该编码。",
        "No such limit is on file.",
        "见 GET /api/v1/limits；没有的写入 targets。",
        "See GET /api/v1/limits; state what is not there as a target.",
    ),
    "benchmark_limit_unit": FaultText(
        "该限额的单位是 {wanted}，本单元为 {found}。",
        "The limit is in {wanted}, the benchmark in {found}.",
        "改正 unit，或另设一个对标单元。",
        "Correct the unit, or make a benchmark of its own for it.",
    ),
    "benchmark_limit_twice": FaultText(
        "{other} 是同一类且同时有效的依据。",
        "{other} is of the same kind and holds at the same time.",
        "只留一个。",
        "Keep one.",
    ),
    "benchmark_not_compared": warning(
        "该限额凭记忆录入，核对之前不参与评级。",
        "The figure is on file from memory: it gives no level until it was compared.",
        "对照 {source} 核对 {levels}，并填写 compared_with。",
        "Compare {levels} with {source}, and say so in compared_with.",
    ),
    "benchmark_correction_missing": warning(
        "限额有修正项，缺参数 {parameter}，按基准 {reference} 评价。",
        "The limit has a correction by {parameter}: without it {reference} is assumed.",
        "在 parameters 中补上。",
        "Add it to parameters.",
    ),
    "benchmark_parameter_unused": FaultText(
        "没有限额用到该参数。",
        "No limit of this benchmark asks for it.",
        "改正名称或删去。",
        "Correct its name, or delete it.",
    ),
    "benchmark_target_span": FaultText(
        "与 {other} 同时有效，或止不晚于起。",
        "Holds at the same time as {other}, or ends before it begins.",
        "改正起止日。",
        "Correct its days.",
    ),
    "benchmark_nothing": warning(
        "没有限额，也没有目标：只与自身最好水平比较。",
        "No limit and no target: it is held against its own best alone.",
        "补上 limits 或 targets。",
        "Add limits or targets.",
    ),
    "shift_edge": FaultText(
        "不在基本周期（{minutes} 分钟）的边界上。",
        "Not on an edge of the base interval of {minutes} min.",
        "改正时刻。",
        "Correct the time.",
    ),
    "shift_overlap": FaultText(
        "与 {other} 重叠。", "Overlaps {other}.", "改正起止时刻。", "Correct the times."
    ),
}
