"""How the plants of the demo run: what their descriptions do not say, and the simulator needs."""

from collections.abc import Mapping

from deploy.simulated_flows import Running

_FOUNDRY = Running(
    shape={
        "solar-in": "solar",
        "furnace-power": "melting",
        "furnace-2-power": "melting",
        "iron-heat": "shifts",
        "annealing-coal": "steady",
        "annealing-power": "steady",
        "moulding-power": "shifts",
        "moulding-air": "shifts",
        "moulding-steam": "shifts",
        "core-power": "shifts",
        "core-air": "shifts",
        "sand-power": "shifts",
        "cleaning-power": "day",
        "cleaning-air": "day",
        "dedusting-power": "shifts",
        "ladle-heat": "shifts",
        "recarburiser": "shifts",
        "turning-power": "shifts",
        "milling-power": "shifts",
        "line-2-power": "day",
        "line-2-cooling": "day",
        "heat-treatment-power": "steady",
        "heat-treatment-gas": "steady",
        "painting-power": "day",
        "painting-gas": "day",
        "painting-steam": "day",
        "painting-cooling": "day",
        "office-power": "office",
        "office-cooling": "office",
        "canteen-gas": "office",
        "charging-power": "night",
        "lighting-power": "night",
        "pump-power": "shifts",
        "truck-diesel": "day",
        "castings": "shifts",
        "parts": "shifts",
    },
    # The belt and the furnace can carry much more than they do: there is room for an episode.
    rate_max={"annealing-coal": 0.3},
    efficiency={
        "utility-board": 0.993,  # its transformer
        "foundry-transformer": 0.995,
        "machining-transformer": 0.995,
        "boiler": 0.92,
        "waste-boiler": 0.72,
        "chiller": 0.74,  # a single-effect absorption chiller
        "cupola": 0.58,  # of coke at 6,500 kWh/t: about half of what it is really worth
    },
    ratio={
        "waste-heat": (0.3, "iron-heat"),  # GJ per GJ
        "cupola-power": (18.0, "iron-heat"),  # kWh per GJ
        "chiller-power": (45.0, "chiller-steam"),  # kWh per t
    },
)

_FOOD = Running(
    shape={
        "cold-power": "steady",
        "sewage-power": "steady",
        "preparing-power": "shifts",
        "baking-power": "shifts",
        "baking-gas": "shifts",
        "packing-power": "day",
        "cooking-power": "shifts",
        "cooking-steam": "shifts",
        "washing-steam": "day",
        "food": "shifts",
        "boxes": "day",
    }
)

_PARK = Running(
    shape={
        "to-street": "night",
        "to-water": "steady",
        "to-dormitory": "night",
        "steam-to-dormitory": "night",
        "to-common": "office",
    }
)

RUNNING: Mapping[str, Running] = {"demo": _FOUNDRY, "demo-second": _FOOD, "demo-park": _PARK}

# What a park's feeder shows is what its member takes in: flow of the park → (tenant, its flow).
FEEDERS: Mapping[str, tuple[str, str]] = {
    "to-demo": ("demo", "grid-in"),
    "to-second": ("demo-second", "grid-in"),
    "steam-to-second": ("demo-second", "steam-in"),
}
