"""The published JSON Schema of a plant description.

`plant.schema.json` beside this file is what editors and other systems read; a test compares it
with what this writes: `python -m services.plant.schema > services/plant/plant.schema.json`.
"""

import json
import sys
from typing import Any

from services.plant.model import SCHEMA_VERSION, Plant


def plant_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a plant description."""
    schema = Plant.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_VERSION.replace('.', ':').replace('/', ':')}",
        **schema,
    }


def plant_schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(plant_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(plant_schema_text())
