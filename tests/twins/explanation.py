"""Why an emission changed, slow and obvious: every order in which four things may have changed."""

import itertools
import math
from collections.abc import Sequence

SHARE_MIN = 1e-6


def explain(
    energy: tuple[Sequence[float], Sequence[float]],
    emission: tuple[Sequence[float], Sequence[float]],
    output: tuple[float, float],
) -> list[list[float]]:
    """Return volume, intensity, structure and factor effects of each part."""
    known = [all(map(math.isfinite, values)) for values in zip(*energy, *emission, strict=True)]
    gross = [
        sum(abs(e) for e, is_known in zip(side, known, strict=True) if is_known) for side in energy
    ]
    has_output = all(math.isfinite(made) and made > 0 for made in output)
    parts = []
    for i, is_known in enumerate(known):
        if not is_known:
            parts.append([math.nan] * 4)
            continue
        share = _filled(*(energy[t][i] / gross[t] if gross[t] else None for t in (0, 1)))
        factor = _filled(
            *(
                emission[t][i] / energy[t][i] if abs(energy[t][i]) > SHARE_MIN * gross[t] else None
                for t in (0, 1)
            )
        )
        sides = [
            [output[t], gross[t] / output[t], share[t], factor[t]]
            if has_output
            else [gross[t], 1.0, share[t], factor[t]]
            for t in (0, 1)
        ]
        effects = [0.0] * 4
        for order in itertools.permutations(range(4)):
            now = list(sides[0])
            for k in order:
                was = math.prod(now)
                now[k] = sides[1][k]
                effects[k] += (math.prod(now) - was) / 24
        beyond = [emission[t][i] - math.prod(sides[t]) for t in (0, 1)]
        effects[3] += beyond[1] - beyond[0]
        parts.append(effects)
    return parts


def _filled(before: float | None, after: float | None) -> tuple[float, float]:
    """Return both, each for the other where it is missing."""
    if before is None:
        return (0.0, 0.0) if after is None else (after, after)
    return before, before if after is None else after
