"""What Grafana makes of a panel's SQL before its data source sends it: variables, then macros."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Screen:
    """The time shown, the step of its pixels, and the variables chosen."""

    start: datetime
    end: datetime
    variables: Mapping[str, Sequence[str]]
    interval: str = "1m"

    def expand(self, text: str) -> str:
        """Return the SQL that reaches the database; nothing of Grafana's may be left in it."""
        text = text.replace("$__interval_ms", str(_seconds(self.interval) * 1000))
        text = text.replace("$__interval", self.interval)
        text = re.sub(r"\$\{(\w+)(?::(\w+))?\}|\$(?!_)(\w+)", self._variable, text)
        text = re.sub(r"\$__timeFilter\(([\w.]+)\)", self._filter, text)
        text = re.sub(
            r"\$__timeGroup(Alias)?\(([\w.]+),\s*'?(\w+)'?\)",
            lambda found: _group(found[2], found[3]) + (' AS "time"' if found[1] else ""),
            text,
        )
        for name, at in (("$__timeFrom()", self.start), ("$__timeTo()", self.end)):
            text = text.replace(name, f"'{_stamp(at)}'")
        for name, at in (("$__from", self.start), ("$__to", self.end)):
            text = text.replace(name, str(round(at.timestamp() * 1000)))
        if "$" in text or "@" in text:
            raise AssertionError(f"not expanded: {text}")
        return text

    def _variable(self, found: re.Match[str]) -> str:
        values = self.variables[found[1] or found[3]]
        if found[2] == "sqlstring":
            return ",".join("'" + value.replace("'", "''") + "'" for value in values)
        [value] = values
        return value

    def _filter(self, found: re.Match[str]) -> str:
        return f"{found[1]} BETWEEN '{_stamp(self.start)}' AND '{_stamp(self.end)}'"


def _group(column: str, step: str) -> str:
    seconds = _seconds(step)
    return f"floor(extract(epoch from {column})/{seconds})*{seconds}"


def _seconds(step: str) -> int:
    return int(step[:-1]) * _SECONDS[step[-1]]


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
