"""Why an emission changed: volume, intensity, structure and factors, which add up to the change.

What a boundary gives off is the sum over its parts (nodes, carriers) of

    output x energy per output x share of the energy x emission per energy

and of each part's change every quantity has its Shapley value: the mean of what its own change
does, over all orders in which the four may have changed. Nothing is left over, zeros and negative
amounts are ordinary, and forward and backward explain each other.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import kernel
from compute.grid import Float2D
from compute.topology import Float1D

# A part with less of the energy has no factor of its own: it would be a quotient by nearly nothing.
_SHARE_MIN = 1e-6


class Explanation(NamedTuple):
    """The change of an emission by its parts and by what did it.

    Attributes
    ----------
    volume, intensity, structure, factor : (m,) float64
        What more or less output, energy per output, another mix of the parts, and other emission
        per energy did. NaN of a part that is not known in both spans.
    change : (m,) float64
        Their sum: emission after less emission before.
    """

    volume: Float1D
    intensity: Float1D
    structure: Float1D
    factor: Float1D
    change: Float1D


def explain_change(
    energy: Float2D, *, emission: Float2D, output: tuple[float, float]
) -> Explanation:
    """Return what changed an emission between two spans.

    Parameters
    ----------
    energy : (2, m) float64
        Of each part, before and after; what is sold is negative. NaN is not known. [any unit]
    emission : (2, m) float64
        Likewise. For a change of energy itself: the energy, so that no factor changes.
    output : tuple of float
        What the boundary made, before and after. Where either is not known or not positive, the
        volume is the energy itself, and nothing is said of the intensity.

    Returns
    -------
    explanation : Explanation
        (m,); a part that is not known in one of the spans is left out of everything.

    Notes
    -----
    Shapley value of a product of four: Shapley 1953; as a decomposition, the complete
    decomposition of Sun, Energy Economics 20 (1998) 85-100, and Ang, Liu and Chew, Energy
    Policy 31 (2003) 1561-1566. The share of a part is of the sum of the amounts without their
    signs, so that what is sold takes no part in the mix as it would with nothing left to divide
    by. A part that is new, or gone, changed the structure: it has the factor it has in the other
    span. So has one with less than a millionth of the energy; what it gives off beyond that, as a
    process does without energy, is the factor's.
    """
    energies = np.array(energy, dtype=np.float64, order="C")
    emissions = np.array(emission, dtype=np.float64, order="C")
    effects = np.full((5, energies.shape[1]), np.nan)
    has_output = all(np.isfinite(made) and made > 0.0 for made in output)
    made = np.array(output if has_output else (np.nan, np.nan), dtype=np.float64)
    _explain(energies, emissions, made, effects)
    return Explanation(*effects)


@kernel
def _explain(energy: Float2D, emission: Float2D, output: Float1D, effects: Float2D) -> None:
    known = np.isfinite(energy[0] + energy[1] + emission[0] + emission[1])
    gross = np.zeros(2)
    for i in range(known.size):
        if known[i]:
            gross[0] += abs(energy[0, i])
            gross[1] += abs(energy[1, i])
    # Before and after, of the four.
    before, after = np.ones(4), np.ones(4)
    if np.isnan(output[0]):
        before[0], after[0] = gross[0], gross[1]
    else:
        before[0], after[0] = output[0], output[1]
        before[1], after[1] = gross[0] / output[0], gross[1] / output[1]
    for i in range(known.size):
        if not known[i]:
            continue
        before[2] = energy[0, i] / gross[0] if gross[0] > 0.0 else 0.0
        after[2] = energy[1, i] / gross[1] if gross[1] > 0.0 else 0.0
        # A mix of nothing is the other one: only the volume, or the intensity, changed.
        if gross[0] == 0.0:
            before[2] = after[2]
        if gross[1] == 0.0:
            after[2] = before[2]
        has_before = abs(energy[0, i]) > _SHARE_MIN * gross[0]
        has_after = abs(energy[1, i]) > _SHARE_MIN * gross[1]
        before[3] = emission[0, i] / energy[0, i] if has_before else 0.0
        after[3] = emission[1, i] / energy[1, i] if has_after else before[3]
        if not has_before:
            before[3] = after[3]
        for k in range(4):
            effects[k, i] = _effect(before, after, k)
        # What has no energy behind it, and what rounding leaves.
        effects[3, i] += emission[1, i] - after[0] * after[1] * after[2] * after[3]
        effects[3, i] -= emission[0, i] - before[0] * before[1] * before[2] * before[3]
        effects[4, i] = emission[1, i] - emission[0, i]


@kernel
def _effect(before: Float1D, after: Float1D, k: int) -> float:
    """Return the Shapley value of one of four factors of a product.

    Of the three others, none to all have changed already: 1/4, 1/12 each, 1/12 each, 1/4.
    """
    a, b, c = (k + 1) % 4, (k + 2) % 4, (k + 3) % 4
    none = before[a] * before[b] * before[c]
    one = (
        after[a] * before[b] * before[c]
        + before[a] * after[b] * before[c]
        + before[a] * before[b] * after[c]
    )
    two = (
        before[a] * after[b] * after[c]
        + after[a] * before[b] * after[c]
        + after[a] * after[b] * before[c]
    )
    every = after[a] * after[b] * after[c]
    return float((after[k] - before[k]) * (3.0 * (none + every) + one + two) / 12.0)
