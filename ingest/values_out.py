"""Values out: what flows now and the day so far as retained topics, for who reads the broker.

`nengtan/v1/{tenant}/{site}/value/{node}/{quantity}` holds value, unit, instant and grade. Once a
second the newest `live` event of each site is read from the log and what changed is published,
through the session that receives readings. A value that is not known any more is published as
null: what is retained must not outlive it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog

from compute.quantities import quantity
from ingest.mqtt import PublishFailed
from services import clock
from services.store import live
from services.store.pool import Database, DatabaseUnavailable

_log = structlog.get_logger()

_PERIOD_S = 1.0
# A value that does not change is said again this often: its instant tells that it still holds.
_REFRESH = timedelta(seconds=60)
# Of a rate: a change below is none.
_DIGITS = 5
# Column of the live event, and the quantity of the nomenclature that it is.
_RATES = ("power_kw", "emission_kgco2e_per_h", "intensity_kgco2e_per_kwh")
_DAY = ("energy_kwh", "coal_equivalent_tce", "emission_tco2e")
_UNITS = {
    "power_kw": quantity("power_kw").unit,
    "emission_kgco2e_per_h": quantity("emission_rate_kgco2e_per_h").unit,
    "intensity_kgco2e_per_kwh": "kgCO2e/kWh",
    "energy_kwh": quantity("energy_kwh").unit,
    "coal_equivalent_tce": quantity("coal_equivalent_tce").unit,
    "emission_tco2e": quantity("emission_total_tco2e").unit,
}


class Publisher(Protocol):
    """Who writes to the broker; `ingest.mqtt.Receiver` does."""

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> Awaitable[None]:
        """Publish a message."""


class _Said(msgspec.Struct, frozen=True):
    """What a topic holds."""

    value: float | None
    unit: str
    ts: str
    grade: str


class ValuesOut:
    """Publishes the values of every site as they change.

    Parameters
    ----------
    database : Database
    publisher : Publisher
    now : callable
        The present instant.
    """

    def __init__(
        self, database: Database, publisher: Publisher, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._now = now
        self._seq = 0
        self._said: dict[str, tuple[float | None, str, datetime]] = {}
        self._is_away = False

    async def run(self) -> None:
        """Publish until cancelled; a database or broker that is away is waited for."""
        while True:
            try:
                await self.publish_news()
                self._is_away = False
            except (DatabaseUnavailable, PublishFailed) as error:
                if not self._is_away:
                    _log.warning("values.out.waiting", reason=str(error))
                self._is_away = True
                # What was written into a connection that broke may not have arrived.
                self._said.clear()
                self._seq = 0
            await asyncio.sleep(_PERIOD_S)

    async def publish_news(self) -> int:
        """Publish what changed since the last time; return how many topics that were."""
        async with self._database.transaction() as connection:
            rows = await live.newest_of_sites(connection, after_seq=self._seq)
        now, count = self._now(), 0
        for row in rows:
            root = f"nengtan/v1/{row.tenant}/{row.site}/value"
            for path, said in _values(row.payload):
                topic = f"{root}/{path}"
                held = self._said.get(topic)
                same = held is not None and held[:2] == (said.value, said.grade)
                if same and held is not None and now - held[2] < _REFRESH:
                    continue
                # A lost one is said again within the minute: QoS 0 holds nothing up.
                await self._publisher.publish(topic, msgspec.json.encode(said), qos=0, retain=True)
                self._said[topic] = (said.value, said.grade, now)
                count += 1
        self._seq = max((row.seq for row in rows), default=self._seq)
        return count


def _values(payload: dict[str, Any]) -> Iterator[tuple[str, _Said]]:
    """Yield node/quantity and the value of everything a live event says of nodes."""
    node, day, ts = payload["node"], payload["day"], payload["window_end"]
    for index, code in enumerate(node["code"]):
        for name in _RATES:
            value = node[name][index]
            rounded = None if value is None else float(f"{value:.{_DIGITS}g}")
            yield f"{code}/{name}", _Said(rounded, _UNITS[name], ts, node["grade"][index])
    roots = [code for code, is_root in zip(node["code"], node["root"], strict=True) if is_root]
    # The day is that of the site: with several roots it is no node's.
    for code in roots if len(roots) == 1 else ():
        for name in _DAY:
            yield f"{code}/{name}", _Said(day[name], _UNITS[name], ts, day["grade"])
