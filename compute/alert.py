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
    states = stepped.states
    for i in range(states.state.size):
        before_us = states.evaluated_us[i]
        if now_us < before_us:
            continue
        states.evaluated_us[i] = now_us
        if states.state[i] == _FIRING:
            _step_firing(stepped, i, met[i], clear[i], holds.keep_firing_us[i], before_us, now_us)
        else:
            _step_quiet(stepped, i, met[i], holds.for_us[i], before_us, now_us)


@inlined
def _step_quiet(
    stepped: Stepped, i: int, met: int, for_us: int, before_us: int, now_us: int
) -> None:
    states = stepped.states
    if met == _UNKNOWN:
        if states.state[i] == _PENDING:
            states.active_us[i] += now_us - before_us
        return
    if met == 0:
        states.state[i] = _INACTIVE
        states.active_us[i] = NEVER_US
        return
    if states.state[i] == _INACTIVE:
        states.state[i] = _PENDING
        states.active_us[i] = now_us
    if now_us - states.active_us[i] >= for_us:
        states.state[i] = _FIRING
        states.fired_us[i] = now_us
        stepped.fired[i] = True


@inlined
def _step_firing(
    stepped: Stepped, i: int, met: int, clear: int, keep_us: int, before_us: int, now_us: int
) -> None:
    states = stepped.states
    if met == _UNKNOWN or (met == 0 and clear == _UNKNOWN):
        if states.keep_since_us[i] != NEVER_US:
            states.keep_since_us[i] += now_us - before_us
        return
    if met == 1 or clear == 0:
        states.keep_since_us[i] = NEVER_US
        return
    if states.keep_since_us[i] == NEVER_US:
        states.keep_since_us[i] = now_us
    if now_us - states.keep_since_us[i] >= keep_us:
        states.state[i] = _INACTIVE
        states.active_us[i] = NEVER_US
        states.fired_us[i] = NEVER_US
        states.keep_since_us[i] = NEVER_US
        stepped.resolved[i] = True
