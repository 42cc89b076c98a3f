"""Which objects of which sites an expression is about, and what it asks of each.

A selector that names one object is about that one; one that names several, or none of a kind of
which a site has many, ranges over them. All selectors that range do so over the same objects, and
the others are asked of the same site.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.alert_rules.binding import Bound
from services.alert_rules.cells import Cell
from services.alert_rules.facts import Facts, SiteFacts, Thing
from services.alert_rules.measures import ObjectKind


class Placement(NamedTuple):
    """An object that an expression is held against.

    Attributes
    ----------
    site : str
        "" for a service.
    kind, object : str
        What it is about: what the selectors range over, else the first that one of them names.
    cells : tuple of Cell
        One for each selector.
    units : tuple of str
        Likewise: symbols.
    """

    site: str
    kind: ObjectKind
    object: str
    cells: tuple[Cell, ...]
    units: tuple[str, ...]


def placements_of(bound: Sequence[Bound], facts: Facts) -> Iterator[Placement]:
    """Yield the objects that the selectors of a rule are about, site by site."""
    of_sites = [item for item in bound if item.kind != "service"]
    if not of_sites:
        if bound:
            yield _placed(bound, None, "")
        return
    codes = set(facts.sites)
    for item in of_sites:
        codes &= {site.code for site in item.sites(facts)}
    for code, site in facts.sites.items():
        if code in codes:
            yield from _of_site(bound, site)


def _of_site(bound: Sequence[Bound], site: SiteFacts) -> Iterator[Placement]:
    ranging = [item for item in bound if not item.is_fixed]
    if any(not item.things(site) for item in bound):
        return
    if not ranging:
        yield _placed(bound, site, "")
        return
    common = ranging[0].things(site)
    for item in ranging[1:]:
        others = item.things(site)
        common = {code: thing for code, thing in common.items() if code in others}
    for code in common:
        yield _placed(bound, site, code)


def _placed(bound: Sequence[Bound], site: SiteFacts | None, ranged: str) -> Placement:
    cells, units = [], []
    about: tuple[ObjectKind, str] | None = None
    for item in bound:
        code = item.of.codes[0] if item.is_fixed and item.of is not None else ""
        if not item.is_fixed:
            code = ranged
            about = (item.kind, code)
        elif code and about is None:
            about = (item.kind, code)
        has_site = site is not None and item.kind != "service"
        thing = site.things[item.kind][code] if site is not None and has_site else Thing("", "", "")
        cells.append(
            Cell(
                site.code if site is not None and has_site else "",
                item.measure.name,
                item.kind,
                code,
                item.node_carrier,
                item.period,
                item.selector.function,
            )
        )
        units.append(item.measure.unit.format(thing.unit or "1"))
    kind, code = about or ("site" if site is not None else "service", "")
    return Placement(site.code if site is not None else "", kind, code, tuple(cells), tuple(units))
