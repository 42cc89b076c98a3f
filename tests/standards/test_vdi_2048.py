"""VDI 2048 part 1: the heat circuit of a steam turbine plant, with meters that err together.

Figures: the example of the guideline (uncertainties of 95 %, the feed flow's as corrected in its
later issue), as worked to 15 digits in the open regression test of dvrlib (MIT licence,
test/vdi2048_test.cc). Two pairs of meters are correlated there; here, whose meters are
independent, what they share is a quantity of its own that is measured as 0.
"""

import numpy as np
import pytest

from compute.constraints import Balances
from compute.projection import FlowClass
from compute.reconcile import reconcile
from compute.reconcile_plan import plan_reconciliation

SIGMAS_95 = 1.96
NAMES = ("FDKeI", "FDKeII", "SpI", "SpII", "V", "HK", "A7", "A6", "A5", "HDNK", "D")
MEASURED = (46.241, 45.668, 44.575, 44.319, 0.525, 69.978, 10.364, 3.744, 4.391, 18.498, 2.092)
WITHIN = (0.8, 0.79, 0.535, 0.532, 0.105, 0.854, 0.168, 0.058, 0.058, 0.205, 0.272)
# What two meters share of their variance.
PAIRS = ((0, 1, 0.2), (2, 3, 0.4))
RECONCILED = (
    44.9644892064291,
    44.4179721417342,
    44.9259040471917,
    44.6670964499405,
    0.526347872422335,
    70.553060829315,
    10.3757829833265,
    3.74540440603423,
    4.39240440603423,
    18.5135917953949,
    2.092,
)
RECONCILED_WITHIN = (
    0.575626570589129,
    0.572817587480311,
    0.404463177421466,
    0.402919370199657,
    0.104623410451298,
    0.559872848891984,
    0.133003389109488,
    0.056695251568643,
    0.056695251568643,
    0.137102511396334,
    0.272,
)
LIVE_STEAM = 89.2771917736789


def heat_circuit() -> tuple[Balances, list[float], list[float], list[bool]]:
    """Return balances, and value, sigma and whether it is measured of each quantity.

    After the eleven quantities of the guideline: its four that follow (three sections of live
    steam, the condensate of the high pressure heaters), then what each correlated meter shows, and
    what each pair shares.
    """
    count = len(NAMES)
    fd1, fd2, fd3, heaters = range(count, count + 4)
    rows: list[dict[int, float]] = [
        {0: 1.0, 1: 1.0, 4: -0.2, fd1: -1.0},
        {2: 1.0, 3: 1.0, 4: -0.6, fd2: -1.0},
        {4: 0.4, 5: 1.0, 6: 1.0, 7: 1.0, 8: 1.0, fd3: -1.0},
        {6: 1.0, 7: 1.0, 8: 1.0, heaters: -1.0},
        {fd1: 1.0, fd2: -1.0},
        {fd2: 1.0, fd3: -1.0},
        {heaters: 1.0, 9: -1.0},
    ]
    value = [*MEASURED, *[0.0] * 4]
    sigma = [*(within / SIGMAS_95 for within in WITHIN), *[0.0] * 4]
    measured = [*[True] * count, *[False] * 4]
    for one, other, correlation in PAIRS:
        shared = len(value)
        value.append(0.0)
        sigma.append(sigma[one] * correlation**0.5)
        measured.append(True)
        # Shown: the quantity itself, and what is shared, as large as each meter's sigma has it.
        for quantity, share in ((one, 1.0), (other, sigma[other] / sigma[one])):
            shown = len(value)
            rows.append({quantity: 1.0, shared: share, shown: -1.0})
            value.append(value[quantity])
            sigma.append(sigma[quantity] * (1.0 - correlation) ** 0.5)
            measured.append(True)
    for one, other, _ in PAIRS:
        measured[one] = measured[other] = False
    balances = Balances.listed(
        rows,
        balance_code=tuple(f"B{i}" for i in range(len(rows))),
        flow_code=tuple(f"Q{i}" for i in range(len(value))),
    )
    return balances, value, sigma, measured


def test_reconciles_the_heat_circuit_of_a_steam_turbine_plant() -> None:
    balances, value, sigma, measured = heat_circuit()
    plan = plan_reconciliation(balances, is_measured=np.array(measured))
    found = reconcile(
        plan, measured=np.array(value)[:, np.newaxis], sigma=np.array(sigma)[:, np.newaxis]
    )
    assert found.degrees_of_freedom == 3
    known = found.value[: len(NAMES), 0]
    assert known == pytest.approx(RECONCILED, rel=1e-9)
    within = SIGMAS_95 * np.sqrt(found.variance[: len(NAMES), 0])
    assert within == pytest.approx(RECONCILED_WITHIN, rel=1e-9)
    assert found.value[len(NAMES) : len(NAMES) + 3, 0] == pytest.approx(LIVE_STEAM, rel=1e-9)
    # What condensate is lost no balance holds.
    assert plan.flow_class[NAMES.index("D")] == FlowClass.NON_REDUNDANT
    assert plan.flow_class[NAMES.index("FDKeI")] == FlowClass.OBSERVABLE
