"""Plants that alert rules are tried on: two sites of a tenant."""

import json

from services.alert_rules.facts import Facts, facts_of
from services.plant.read import read_plant
from tests.services.plant_documents import small


def two_sites(*, fuel: str = "natural_gas") -> Facts:
    """Return `main`, and `north`, which has a source of fuel and its flow as well."""
    document = small()
    main = read_plant(json.dumps(document), form="json")
    document["site"] = "north"
    document["nodes"].append({**document["nodes"][1], "code": "gas-grid"})
    document["flows"].append(
        {"code": "gas-in", "from": "gas-grid", "to": "furnace", "carrier": fuel}
    )
    return facts_of("demo", [main, read_plant(json.dumps(document), form="json")])


def many_uses(count: int) -> Facts:
    """Return one site with so many nodes besides its five."""
    document = small()
    use = document["nodes"][4]
    document["nodes"] += [{**use, "code": f"use-{i}"} for i in range(count)]
    return facts_of("demo", [read_plant(json.dumps(document), form="json")])
