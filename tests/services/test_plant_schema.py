import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.plant import read_plant
from services.plant.schema import plant_schema, plant_schema_text
from tests.services.plant_documents import EXAMPLES, put, small


def properties(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    models = {"Plant": schema, **schema["$defs"]}
    return [
        (f"{model}.{name}", field)
        for model, definition in models.items()
        for name, field in definition["properties"].items()
    ]


class TestPlantSchema:
    def test_is_the_published_file(self) -> None:
        published = resources.files("services.plant") / "plant.schema.json"
        assert published.read_text(encoding="utf-8") == plant_schema_text()

    def test_is_a_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(plant_schema())

    def test_explains_every_key_in_both_languages(self) -> None:
        for place, field in properties(plant_schema()):
            for text in (field["title"], field["description"]):
                assert any("\u4e00" <= letter <= "\u9fff" for letter in text), place
                assert any("a" <= letter <= "z" for letter in text), place

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_takes_the_examples(self, path: Path) -> None:
        plant = read_plant(path.read_bytes(), form="yaml")
        found = jsonschema.Draft202012Validator(plant_schema()).iter_errors(
            json.loads(plant.model_dump_json())
        )
        assert list(found) == []

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("tarif",), 1),
            (("schema",), "nengtan.plant/2"),
            (("nodes", 0, "kind"), "oven"),
            (("nodes", 0, "code"), "a/b"),
            (("base_interval_minutes",), 10),
            (("meters", 0, "points", 0, "multiplier"), 0),
            (("meters", 0, "points"), []),
        ],
    )
    def test_refuses_what_we_refuse(self, place: tuple[str | int, ...], value: object) -> None:
        document = small()
        jsonschema.validate(document, plant_schema())
        put(document, place, value)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, plant_schema())
