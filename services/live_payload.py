"""The words of a `live` event: rates and sums as columns of JSON, null where nothing is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock, add_unlike
from compute.intensity import energy_per_product_kgce, intensity
from compute.live import emission_tco2e, node_intensity_kgco2e_per_kwh
from compute.quality import LACKING, Quality, grade
from compute.standard_coal import KGCE_PER_TCE
from services.json_values import finite
from services.site_model import Described

Columns = dict[str, list[Any]]
_KG_PER_T = 1000.0
# Of a rate; sums are said in full.
_DIGITS = 9


@dataclass(frozen=True)
class Layout:
    """Where the rows of a description are that a live event tells of."""

    described: Described

    @cached_property
    def flow(self) -> list[int]:
        """Rows of the flows."""
        return [row for row, key in enumerate(self.described.keys) if key.kind == "flow"]

    @cached_property
    def node(self) -> list[int]:
        """Rows of the boundaries' totals."""
        keys = enumerate(self.described.keys)
        return [row for row, key in keys if key.kind == "node" and not key.carrier]

    @cached_property
    def product(self) -> list[tuple[int, int]]:
        """Row of each product, and of the total of the node that makes it."""
        arrays, keys = self.described.arrays, self.described.keys
        node = {keys[row].code: row for row in self.node}
        code = {
            product: arrays.node_code[index]
            for product, index in zip(arrays.product_code, arrays.product_node_index, strict=True)
        }
        rows = [(row, key.code) for row, key in enumerate(keys) if key.kind == "product"]
        return [(row, node[code[name]]) for row, name in rows if code[name] in node]

    @cached_property
    def is_root(self) -> list[bool]:
        """Whether each of the boundaries is one that no other holds."""
        arrays = self.described.arrays
        top = {
            code
            for code, parent in zip(arrays.node_code, arrays.node_parent_index, strict=True)
            if parent < 0
        }
        return [self.described.keys[row].code in top for row in self.node]

    @cached_property
    def roots(self) -> npt.NDArray[np.int32]:
        """Series of the site's own totals."""
        rows = [row for row, is_root in zip(self.node, self.is_root, strict=True) if is_root]
        return self.described.series_id[rows]

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each product."""
        return {product.code: product.unit for product in self.described.plant.products}


def rates_of(layout: Layout, rates: ResultBlock | None) -> dict[str, Columns]:
    """Return the columns `flow`, `node` and `product`; None: nothing is known of any."""
    described = layout.described
    keys = described.keys
    if rates is None:
        rates = _unknown(len(keys))
    flows, nodes = layout.flow, layout.node
    arrays = described.arrays
    return {
        "flow": {
            "code": [keys[row].code for row in flows],
            "carrier": [keys[row].carrier for row in flows],
            "amount_per_h": numbers(rates.amount[flows, 0]),
            **_measures(rates, flows),
            "derived": (rates.quality[flows, 0] & int(Quality.DERIVED) != 0).tolist(),
        },
        "node": {
            "code": [keys[row].code for row in nodes],
            "root": layout.is_root,
            **_measures(rates, nodes),
            "intensity_kgco2e_per_kwh": numbers(node_intensity_kgco2e_per_kwh(arrays, rates)),
        },
        "product": _products(layout, rates),
    }


def _measures(rates: ResultBlock, rows: Sequence[int]) -> Columns:
    index = list(rows)
    return {
        "power_kw": numbers(rates.energy_kwh[index, 0]),
        "coal_equivalent_kgce_per_h": numbers(KGCE_PER_TCE * rates.coal_equivalent_tce[index, 0]),
        "emission_kgco2e_per_h": numbers(_KG_PER_T * emission_tco2e(rates)[index]),
        "grade": grades(rates.quality[index, 0]),
    }


def _products(layout: Layout, rates: ResultBlock) -> Columns:
    rows = [row for row, _ in layout.product]
    nodes = [node for _, node in layout.product]
    codes = [layout.described.keys[row].code for row in rows]
    amount = rates.amount[rows, 0]
    emission_kg = _KG_PER_T * emission_tco2e(rates)[nodes]
    return {
        "code": codes,
        "unit": [layout.units[code] for code in codes],
        "amount_per_h": numbers(amount),
        "intensity_kgce_per_unit": numbers(
            energy_per_product_kgce(rates.coal_equivalent_tce[nodes, 0], product=amount).value
        ),
        "intensity_kgco2e_per_unit": numbers(intensity(emission_kg, output=amount).value),
        "grade": grades(rates.quality[rows, 0] | rates.quality[nodes, 0]),
    }


def so_far(block: ResultBlock, *, elapsed_us: int, late_us: int) -> dict[str, Any]:
    """Return the sum of an interval that is not over yet.

    Parameters
    ----------
    block : ResultBlock
        (r, 0 or 1): the stored results of one or several boundaries, if there are any.
    elapsed_us : int
        How much of the interval has passed. [µs]
    late_us : int
        How far results may be behind the present and still be called complete. [µs]

    Returns
    -------
    sums : dict
        `covered_share` is the share of the time that has passed. What the rest of the interval
        lacks is no fault; what readings should have covered and do not makes the sum uncertain.
    """
    total = None
    if block.amount.size:
        total = add_unlike(block, range(block.amount.shape[0]))
    covered_us = 0 if total is None else int(total.covered_us[0, 0])
    quality = int(Quality.OPEN | Quality.MISSING) if total is None else int(total.quality[0, 0])
    if covered_us >= elapsed_us - late_us and total is not None:
        quality &= ~LACKING
    else:
        quality |= int(Quality.OPEN)

    def number(name: str) -> float | None:
        return None if total is None else finite(float(getattr(total, name)[0, 0]))

    return {
        "energy_kwh": number("energy_kwh"),
        "coal_equivalent_tce": number("coal_equivalent_tce"),
        "coal_equal_tce": number("coal_equal_tce"),
        "emission_tco2e": None if total is None else finite(float(emission_tco2e(total)[0])),
        "covered_share": min(covered_us / elapsed_us, 1.0) if elapsed_us > 0 else 0.0,
        "grade": _grade(quality),
    }


def _unknown(count: int) -> ResultBlock:
    nothing = np.full((count, 1), np.nan)
    none = np.zeros((count, 1), dtype=np.int64)
    quality = np.full((count, 1), int(Quality.MISSING), dtype=np.int32)
    return ResultBlock(
        *(nothing,) * 6,
        covered_us=none,
        reading_count=none.astype(np.int32),
        quality=quality,
        input_hash=none,
    )


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return figures as JSON has them, None where not known."""
    return [finite(float(f"{value:.{_DIGITS}g}")) for value in values]


def grades(quality: Iterable[int]) -> list[str]:
    """Return the grade of each, of what was measured."""
    return [_grade(int(bits)) for bits in quality]


def _grade(quality: int) -> str:
    """Return the grade of what was measured: a figure that lacks its factor is null by itself."""
    return grade(quality & ~int(Quality.FACTOR_MISSING))
