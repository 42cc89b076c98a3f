"""The only home of numba and of its flags."""

from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import ParamSpec, TypeVar

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _sources_digest() -> str:
    """Return a digest of every source of this room."""
    digest = sha256()
    for source in sorted(files("compute").iterdir(), key=lambda file: file.name):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


# numba looks at a kernel's own file alone to tell whether a cached one is stale, but kernels call
# each other across files: each state of the sources gets a cache of its own.
_BASE = getattr(numba.config, "CACHE_DIR", "") or files("compute").joinpath("__pycache__")
numba.config.CACHE_DIR = f"{_BASE}/{_sources_digest()}"  # type: ignore[attr-defined]


def core_count() -> int:
    """Return how many cores this process may use."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a loop over arrays and primitives; it writes into the outputs it is given."""
    return _compiled(function, forceinline=False)


def inlined(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile what a kernel asks for each element of a loop, into the kernel itself.

    A call would count a reference to every array it is given: ten times the price of what most
    such steps do. What is large, or asked for once a row, stays a kernel: it compiles faster.
    """
    return _compiled(function, forceinline=True)


def _compiled(
    function: Callable[Parameters, Result], *, forceinline: bool
) -> Callable[Parameters, Result]:
    # nogil: kernels run beside the event loop. cache: compiled once per machine. No fastmath and
    # no parallel reductions: the same input gives the same bits on every run.
    compiled: Callable[Parameters, Result] = numba.njit(
        cache=True, forceinline=forceinline, nogil=True, fastmath=False, error_model="numpy"
    )(function)
    return compiled
