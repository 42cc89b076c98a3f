import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.plant.model import Plant
from tests.services.plant_documents import small

CODES = st.text(alphabet="abcXYZ019_.:-", min_size=1, max_size=12).filter(lambda it: it.strip("."))
TEXTS = st.text(
    alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]),
    min_size=1,
    max_size=20,
).filter(str.strip)
NAMES = st.fixed_dictionaries({"zh": TEXTS, "en": TEXTS})
NUMBERS = st.floats(min_value=1e-6, max_value=1e6)
INSTANTS = st.builds(
    lambda at, hours: f"{at.isoformat()}{hours}",
    st.datetimes(min_value=datetime(1991, 1, 1), max_value=datetime(2199, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Z", "+08:00", "-03:30"]),
)
METERED = st.lists(
    st.fixed_dictionaries({"point": CODES}, optional={"share": st.floats(-10, 10)}), max_size=3
)
POINTS = st.fixed_dictionaries(
    {"code": CODES, "kind": st.sampled_from(["register", "gauge", "interval"]), "unit": TEXTS},
    optional={
        "address": TEXTS,
        "name": NAMES,
        "multiplier": NUMBERS,
        "digits": st.fixed_dictionaries({"integer": st.integers(1, 15)}),
        "rate_max_per_hour": NUMBERS,
        "hold_seconds": st.integers(1, 86_400),
        "period_minutes": st.integers(1, 1440),
        "stamp": st.sampled_from(["start", "end"]),
        "value_min": st.floats(-1e9, 1e9),
        "value_max": st.floats(-1e9, 1e9),
        "valid_from": INSTANTS,
        "valid_to": INSTANTS | st.none(),
        "time_zone": st.just("Asia/Shanghai"),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "schema": st.just("nengtan.plant/1"),
        "tenant": CODES,
        "site": CODES,
        "name": NAMES,
        "valid_from": INSTANTS,
        "time_zone": st.just("Asia/Shanghai"),
        "region": st.sampled_from(["320000", "CN", "KR", "CN-EAST"]),
    },
    optional={
        "kind": st.sampled_from(["enterprise", "park"]),
        "base_interval_minutes": st.sampled_from([1, 5, 15]),
        "day_start": st.sampled_from(["00:00", "08:00", "23:59"]),
        "park": CODES | st.none(),
        "members": st.lists(
            st.fixed_dictionaries({"tenant": CODES, "valid_from": INSTANTS}), max_size=2
        ),
        "gateways": st.lists(
            st.fixed_dictionaries(
                {"code": CODES},
                optional={"class": st.sampled_from(["receipted", "acknowledged", "best_effort"])},
            ),
            max_size=2,
        ),
        "nodes": st.lists(
            st.fixed_dictionaries(
                {"code": CODES, "name": NAMES, "kind": st.sampled_from(["source", "bus", "use"])},
                optional={"parent": CODES},
            ),
            max_size=2,
        ),
        "flows": st.lists(
            st.fixed_dictionaries(
                {"code": CODES, "from": CODES, "to": CODES, "carrier": CODES},
                optional={"feedstock": st.booleans(), "metered_by": METERED},
            ),
            max_size=2,
        ),
        "meters": st.lists(
            st.fixed_dictionaries(
                {
                    "code": CODES,
                    "name": NAMES,
                    "gateway": CODES,
                    "points": st.lists(POINTS, min_size=1, max_size=2),
                },
                optional={
                    "accuracy_class": TEXTS,
                    "calibration_due": st.dates().map(lambda day: day.isoformat()),
                },
            ),
            max_size=2,
        ),
        "products": st.lists(
            st.fixed_dictionaries(
                {"code": CODES, "name": NAMES, "unit": TEXTS, "node": CODES, "metered_by": METERED}
            ),
            max_size=2,
        ),
    },
)


class TestPlant:
    @given(DOCUMENTS)
    def test_is_the_same_after_json(self, document: dict[str, Any]) -> None:
        plant = Plant.model_validate_json(json.dumps(document))
        written = plant.model_dump_json()
        again = Plant.model_validate_json(written)
        assert again == plant
        assert again.model_dump_json() == written
        brief = plant.model_dump_json(exclude_defaults=True)
        assert Plant.model_validate_json(brief) == plant

    def test_never_changes(self) -> None:
        plant = Plant.model_validate_json(json.dumps(small()))
        with pytest.raises(ValidationError, match="frozen"):
            plant.tenant = "other"  # type: ignore[misc]

    def test_writes_the_words_of_the_document(self) -> None:
        document = small()
        plant = Plant.model_validate_json(json.dumps(document))
        assert plant.model_dump(mode="json", exclude_defaults=True)["flows"] == document["flows"]
