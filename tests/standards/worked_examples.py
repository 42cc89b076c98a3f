"""The project's worked examples, where the reference data lies beside the checkout."""

import json
from pathlib import Path


def results(shared_folder: Path, example: str) -> dict[str, float]:
    """Return the results of an example by name; texts are left out."""
    text = (shared_folder / "reference" / "worked_examples.json").read_text(encoding="utf-8")
    found = next(item for item in json.loads(text)["examples"] if item["id"] == example)
    return {
        row["name"]: float(row["value"])
        for row in found["results"]
        if isinstance(row["value"], int | float)
    }


def inputs(shared_folder: Path, example: str) -> dict[str, float]:
    """Return the inputs of an example by name; texts are left out."""
    text = (shared_folder / "reference" / "worked_examples.json").read_text(encoding="utf-8")
    found = next(item for item in json.loads(text)["examples"] if item["id"] == example)
    return {
        row["name"]: float(row["value"])
        for row in found["inputs"]
        if isinstance(row["value"], int | float)
    }
