"""What is said of faults in losses, efficiencies and contents, in both languages."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText

BALANCE: Mapping[str, FaultText] = {
    "losses_elsewhere": FaultText(
        "只有输送分配节点（bus）可写损失。",
        "Losses are of a bus only.",
        "转换与储能请写 efficiency；或改节点类型。",
        "Give a conversion or a storage its efficiency, or correct the kind.",
    ),
    "efficiency_elsewhere": FaultText(
        "只有加工转换与储能节点可写效率。",
        "Efficiencies are of conversions and storages only.",
        "输送分配节点请写 losses；或改节点类型。",
        "Give a bus its losses, or correct the kind.",
    ),
    "stock_elsewhere": FaultText(
        "只有储能节点可写储量。",
        "A stock is of a storage only.",
        "删除 stock，或改节点类型。",
        "Delete the stock, or correct the kind.",
    ),
    "stock_point": FaultText(
        "该测点不是能量单位的瞬时值。",
        "Not a gauge in a unit of energy.",
        "换用类型为 gauge、单位如 kWh 的测点。",
        "Name a point of kind gauge in a unit such as kWh.",
    ),
    "market_factor_inside": FaultText(
        "市场法因子只用于来自 source 的能流。",
        "A market-based factor is of a flow from a source only.",
        "删除此项，或写在外购能流上。",
        "Delete it, or give it to the flow that is bought.",
    ),
}
