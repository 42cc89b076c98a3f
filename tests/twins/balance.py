"""Unmetered flows from the balance of buses, one interval at a time."""

import math

from compute.topology import NodeKind, Topology


def derived(
    topology: Topology, amounts: list[float], kwh_per_unit: list[float]
) -> tuple[list[float], dict[int, list[int]]]:
    """Return the amounts with those found, and the flows each was found from, in order."""
    amounts = list(amounts)
    origins: dict[int, list[int]] = {}
    found_one = True
    while found_one:
        found_one = False
        for node, kind in enumerate(topology.node_kind):
            if kind != NodeKind.BUS:
                continue
            around = [
                flow
                for flow in range(len(amounts))
                if node in (topology.flow_from_index[flow], topology.flow_to_index[flow])
                and topology.flow_from_index[flow] != topology.flow_to_index[flow]
            ]
            unknown = [flow for flow in around if math.isnan(amounts[flow])]
            if len(unknown) != 1 or len(around) < 2:
                continue
            flow = unknown[0]
            if topology.flow_offset[flow] != topology.flow_offset[flow + 1]:
                continue
            others = [other for other in around if other != flow]
            surplus = sum(
                (1 if topology.flow_to_index[o] == node else -1) * amounts[o] * kwh_per_unit[o]
                for o in others
            )
            leaves = topology.flow_from_index[flow] == node
            amounts[flow] = (surplus if leaves else -surplus) / kwh_per_unit[flow]
            origins[flow] = others
            found_one = True
    return amounts, origins
