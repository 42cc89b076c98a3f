"""The plant description: one dated document per site, read, checked and compiled to arrays."""

from services.plant.check import check
from services.plant.compile import (
    GatewayRow,
    PointRow,
    compile_topology,
    gateway_rows,
    gateway_topic,
    gateway_username,
    point_rows,
    topology_edges,
)
from services.plant.findings import Finding, PlantInvalid
from services.plant.model import Plant
from services.plant.read import examine, read_plant

__all__ = [
    "Finding",
    "GatewayRow",
    "Plant",
    "PlantInvalid",
    "PointRow",
    "check",
    "compile_topology",
    "examine",
    "gateway_rows",
    "gateway_topic",
    "gateway_username",
    "point_rows",
    "read_plant",
    "topology_edges",
]
