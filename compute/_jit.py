"""The only home of numba and of its flags."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# nogil: kernels run beside the event loop. cache: compiled once per machine. No fastmath and no
# parallel reductions: the same input gives the same bits on every run.
_FLAGS = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a loop over arrays and primitives; it writes into the outputs it is given."""
    compiled: Callable[Parameters, Result] = numba.njit(**_FLAGS)(function)
    return compiled
