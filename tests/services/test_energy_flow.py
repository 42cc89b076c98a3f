import pytest

from services.energy_flow import FlowLink, _with_roles, in_unit
from services.plant_history import joined
from services.totals import Total
from tests.services.test_totals import UTC_MONTHS

KINDS = {
    "grid": "source",
    "bus": "bus",
    "a": "conversion",
    "b": "conversion",
    "battery": "storage",
    "use": "use",
    "sold": "delivery",
}


def total(**figures: float | None) -> Total:
    names = [name for name in Total.__dataclass_fields__ if name.endswith(("kwh", "tce", "tco2e"))]
    return Total(
        amount=None,
        **{name: figures.get(name) for name in names},
        covered_share=1.0,
        reading_count=1,
        quality=0,
    )


def link(source: str, target: str, value: float | None = 1.0) -> FlowLink:
    return FlowLink(
        code=f"{source}-{target}",
        name=None,
        source=source,
        target=target,
        carrier="electricity",
        role="transfer",
        value=value,
        total=total(energy_kwh=value),
    )


def roles(*links: FlowLink) -> dict[str, str]:
    return {one.code: one.role for one in _with_roles(list(links), KINDS)}


class TestRoles:
    def test_follow_from_the_ends(self) -> None:
        found = roles(
            link("grid", "bus"),
            link("bus", "a"),
            link("bus", "battery"),
            link("battery", "bus"),
            link("bus", "sold"),
            link("bus", "grid"),
            link("a", "use"),
        )
        assert found == {
            "grid-bus": "supply",
            "bus-a": "transfer",
            "bus-battery": "charge",
            "battery-bus": "discharge",
            "bus-sold": "delivery",
            "bus-grid": "delivery",
            "a-use": "transfer",
        }

    def test_mark_the_smaller_way_of_a_loop_as_return(self) -> None:
        found = roles(link("grid", "a", 10.0), link("a", "b", 9.0), link("b", "a", 2.0))
        assert found == {"grid-a": "supply", "a-b": "transfer", "b-a": "return"}

    def test_break_every_loop(self) -> None:
        links = [
            link("a", "b"),
            link("b", "a"),
            link("bus", "bus"),
            link("b", "bus"),
            link("bus", "a"),
        ]
        kept = [one for one in _with_roles(links, KINDS) if one.role != "return"]
        order: list[str] = []
        rest = {"a", "b", "bus"}
        while rest:
            free = {
                code
                for code in rest
                if not any(o.target == code and o.source in rest for o in kept)
            }
            assert free, "a loop is left"
            order += sorted(free)
            rest -= free

    def test_stand_a_chain_of_a_thousand(self) -> None:
        kinds = {str(i): "bus" for i in range(1001)}
        links = [link(str(i), str(i + 1)) for i in range(1000)] + [link("1000", "0")]
        found = _with_roles(links, kinds)
        assert sum(one.role == "return" for one in found) == 1


class TestUnits:
    @pytest.mark.parametrize(
        ("unit", "value"), [("kWh", 1000.0), ("GJ", 3.6), ("tce", 0.1229), ("tCO2e", 0.75)]
    )
    def test_are_those_asked_for(self, unit: str, value: float) -> None:
        figures = total(
            energy_kwh=1000.0,
            coal_equivalent_tce=0.1229,
            emission_direct_tco2e=0.25,
            emission_purchased_tco2e=0.5,
        )
        assert in_unit(figures, unit) == pytest.approx(value)  # type: ignore[arg-type]

    def test_of_half_an_emission_are_none(self) -> None:
        assert in_unit(total(emission_direct_tco2e=1.0), "tCO2e") is None


class TestJoined:
    def test_makes_one_of_what_touches(self) -> None:
        a, b, c, d = UTC_MONTHS[:4]
        assert joined([(a, b), (b, c)]) == ((a, c),)
        assert joined([(a, b), (c, d)]) == ((a, b), (c, d))
