"""Named queries: `-- name: x` in queries/*.sql, one comment line each."""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def query(name: str) -> LiteralString:
    """Return the query of that name.

    Raises
    ------
    KeyError
        If no file of services/store/queries has it: a mistake of ours.
    """
    return _queries()[name]


@cache
def _queries() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for file in sorted(files("services.store").joinpath("queries").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        parts = re.split(r"^-- name: (\w+)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise KeyError(f"query {name} stands twice, the second time in {file.name}")
            # The text comes from this package alone, never from a user.
            found[name] = cast("LiteralString", text.strip())
    return found
