"""What an alert is at each instant: inactive, pending, firing, and the way between them.

Time is passed in, so that every transition can be tried without waiting. An interval between two
evaluations is as what was found at its end: only one that ended with a condition that holds counts
for a hold, and one that ended with an unknown condition counts for nothing.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.topology import Bool1D, Int1D

# No instant: what has not happened.
NEVER_US = -(2**63)


class AlertState(IntEnum):
    """Where an instance of a rule stands."""

    INACTIVE = 0  # its condition does not hold, or nobody knows
    PENDING = 1  # it holds, but not for long enough yet
    FIRING = 2  # it has held for long enough, and has not ceased for long enough


_INACTIVE = int(AlertState.INACTIVE)
_PENDING = int(AlertState.PENDING)
_FIRING = int(AlertState.FIRING)
_UNKNOWN = -1

Byte1D = npt.NDArray[np.int8]


class Holds(NamedTuple):
    """How long a condition must hold before n instances fire, and be gone before they resolve.

    Attributes
    ----------
    for_us, keep_firing_us : (n,) int64
        >= 0; with 0 the first evaluation is enough. [µs]
    """

    for_us: Int1D
    keep_firing_us: Int1D


class States(NamedTuple):
    """n instances as their last evaluation left them.

    Attributes
    ----------
    state : (n,) int8
        `AlertState`.
    active_us : (n,) int64
        Since when the condition holds, less what was unknown; it stays while the instance fires.
    fired_us : (n,) int64
        When it fired.
    keep_since_us : (n,) int64
        Firing, but resolved since then were it not for its hold, less what was unknown.
    evaluated_us : (n,) int64
        The newest instant it was evaluated at. [each in µs since 1970-01-01 UTC, or NEVER_US]
    """

    state: Byte1D
    active_us: Int1D
    fired_us: Int1D
    keep_since_us: Int1D
    evaluated_us: Int1D

    @classmethod
    def inactive(cls, count: int) -> "States":
        """Return instances that were never evaluated."""
        never = (np.full(count, NEVER_US, dtype=np.int64) for _ in range(4))
        return cls(np.zeros(count, dtype=np.int8), *never)


class Stepped(NamedTuple):
    """What an evaluation made of n instances.

    Attributes
    ----------
    states : States
    fired, resolved : (n,) bool
        Which began to fire, and which ceased to, at this evaluation; never both.
    """

    states: States
    fired: Bool1D
    resolved: Bool1D


def step(states: States, met: Byte1D, clear: Byte1D, holds: Holds, *, now_us: int) -> Stepped:
    """Return where instances stand after an evaluation.

    Parameters
    ----------
    states : States
        Of n instances; left as they are.
    met : (n,) int8
        Whether the condition holds: 1, 0, or -1 where nobody knows.
    clear : (n,) int8
        Likewise whether what resolves the alert holds; without a condition of its own, that is
        where `met` is 0. Looked at only where `met` is 0, so that between the two limits of a
        hysteresis an instance that fires goes on firing, and one that does not stays quiet.
    holds : Holds
    now_us : int
        [µs since 1970-01-01 UTC]

    Returns
    -------
    stepped : Stepped

    Notes
    -----
    An instance fires at the first evaluation with a condition that holds for which `for_us` have
    passed since `active_us`; it resolves at the first one that is clear for which `keep_firing_us`
    have passed since `keep_since_us`. Where the condition is not known, neither happens, nothing
    is forgotten, and the time since the evaluation before is taken out of the hold. An evaluation
    before the newest one of an instance changes nothing of it.
    """
    count = len(states.state)
    stepped = Stepped(
        States(
            np.array(states.state, dtype=np.int8),
            *(np.array(column, dtype=np.int64) for column in states[1:]),
        ),
        np.zeros(count, dtype=np.bool_),
        np.zeros(count, dtype=np.bool_),
    )
    _step(
        stepped,
        np.array(met, dtype=np.int8),
        np.array(clear, dtype=np.int8),
        Holds(*(np.array(column, dtype=np.int64) for column in holds)),
        now_us,
    )
    return stepped


@kernel
def _step(stepped: Stepped, met: Byte1D, clear: Byte1D, holds: Holds, now_us: int) -> None:
    state, active_us, fired_us, keep_since_us, evaluated_us = stepped.states
    for_us, keep_firing_us = holds
    _, fired, resolved = stepped
    for i in range(state.size):
        if now_us < evaluated_us[i]:
            continue
        elapsed_us = 0 if evaluated_us[i] == NEVER_US else now_us - evaluated_us[i]
        evaluated_us[i] = now_us
        if state[i] != _FIRING:
            active_us[i] = _since(met[i], active_us[i], elapsed_us, now_us)
            if active_us[i] == NEVER_US:
                state[i] = _INACTIVE
            elif met[i] == 1 and now_us - active_us[i] >= for_us[i]:
                state[i] = _FIRING
                fired_us[i] = now_us
                fired[i] = True
            else:
                state[i] = _PENDING
        else:
            ends = clear[i] if met[i] == 0 else 0 if met[i] == 1 else _UNKNOWN
            keep_since_us[i] = _since(ends, keep_since_us[i], elapsed_us, now_us)
            if ends == 1 and now_us - keep_since_us[i] >= keep_firing_us[i]:
                state[i] = _INACTIVE
                active_us[i] = fired_us[i] = keep_since_us[i] = NEVER_US
                resolved[i] = True


@inlined
def _since(is_so: int, since_us: int, elapsed_us: int, now_us: int) -> int:
    """Return since when something is so, less what is unknown; NEVER_US if it is not."""
    if is_so == 0:
        return NEVER_US
    if since_us == NEVER_US:
        return now_us if is_so == 1 else NEVER_US
    return since_us if is_so == 1 else since_us + elapsed_us
