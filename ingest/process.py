"""The processes `nengtan ingest` and `nengtan worker`: start, wait, stop clean."""

import asyncio
import os
import signal
import ssl
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import structlog

from compute.warm import warm, warm_arrivals
from ingest import live_tick
from ingest.commit import Committer
from ingest.importing import import_due
from ingest.mqtt import Broker, receiver
from ingest.notify_tick import NotifyTick, means_of
from ingest.pipeline import Pipeline
from ingest.redrive import redrive_due
from ingest.registry import load_registry
from ingest.tick import Worker
from ingest.values_out import ValuesOut
from services import clock
from services.lease import keep_lease
from services.long_lived import keep_for_long
from services.settings import Settings
from services.store import alert_facts, session
from services.store.pool import Database, DatabaseUnavailable
from services.waiting import stop_on_signal, wait_for_database

_log = structlog.get_logger()
_REDRIVE_S = 2.0
_RECEIVE_MAX = 65_535  # MQTT 5, 3.1.2.11.3
_IMPORT_S = 0.5
_SAY_S = 2.0
# A thread that can go on waits for one that computes: 5 ms by default. The live tick does so each
# time that it has waited for the database, and so does a commit while the next batch is read.
_SWITCH_S = 0.0005


async def run_ingest(settings: Settings) -> None:
    """Take readings in until SIGTERM or SIGINT."""
    sys.setswitchinterval(_SWITCH_S)
    _warm(warm_arrivals, "ingest.preparing")
    stop = stop_on_signal()
    database = await wait_for_database(settings.database(), stop=stop)
    if database is None:
        return
    pipeline = await _pipeline(settings, database)
    held = asyncio.Event()

    async def take_in() -> None:
        await held.wait()
        _log.info(
            "ingest.ready",
            tier=database.tier,
            gateways=len(pipeline.registry.by_topic),
            points=len(pipeline.registry.point_id),
        )
        async with pipeline.receiver:
            await pipeline.run()

    try:
        await _until(
            stop,
            lambda: keep_lease(database, f"ingest {settings.mqtt_client_id}", held=held),
            take_in,
            lambda: _follow_plants(database, pipeline, settings),
            lambda: _redrive(database, pipeline),
            lambda: _import(database),
            lambda: _say(database, pipeline, held),
            lambda: _values_out(database, pipeline, held),
        )
    finally:
        await database.close()
    _log.info("ingest.stopped", stored=pipeline.tally.stored, commits=pipeline.tally.commits)


async def _pipeline(settings: Settings, database: Database) -> Pipeline:
    registry = await load_registry(database, keys=settings.gateway_keys())
    keep_for_long()
    return Pipeline(
        receiver=receiver(
            Broker(
                host=settings.mqtt_host,
                port=settings.mqtt_port,
                client_id=settings.mqtt_client_id,
                username=settings.mqtt_username,
                password=settings.mqtt_password(),
                tls=ssl.create_default_context() if settings.mqtt_tls else None,
                # While one batch is stored and one is decoded, the broker keeps the rest.
                receive_max=min(_RECEIVE_MAX, 2 * settings.ingest_flush_messages),
            ),
            registry.filters(),
            protocol="5" if settings.mqtt_receiver == "mqtt5" else "3.1.1",
        ),
        committer=Committer(database),
        registry=registry,
        flush_messages=settings.ingest_flush_messages,
        flush_s=settings.ingest_flush_ms / 1000,
    )


async def run_worker(settings: Settings) -> None:
    """Compute what becomes dirty, and tell of alerts, until SIGTERM or SIGINT."""
    sys.setswitchinterval(_SWITCH_S)
    means = means_of(settings)
    _warm(warm, "worker.preparing")
    stop = stop_on_signal()
    database = await wait_for_database(settings.database(), stop=stop)
    if database is None:
        return
    held = asyncio.Event()

    news: deque[int] = deque()

    async def work() -> None:
        await held.wait()
        _log.info("worker.ready", tier=database.tier)
        await Worker(database, on_results=news.append).run(stop)

    async def notify() -> None:
        await held.wait()
        await NotifyTick(database, means).run()

    async def live() -> None:
        await held.wait()
        await _beside(lambda: live_tick.tell(settings.database(), news))

    try:
        await _until(stop, lambda: keep_lease(database, "worker", held=held), work, notify, live)
    finally:
        await database.close()
    _log.info("worker.stopped")


def _warm(kernels: Callable[[], None], event: str) -> None:
    """Compile the kernels; until the event loop runs, SIGTERM ends the process from here.

    With an empty cache it takes a minute. A thread compiles, so that the signal is heard while the
    compiler is deep in one kernel; and the process leaves without unwinding, because an exception
    that comes up in a finalizer of the compiler's would be lost. Nothing is open yet.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        os._exit(0)

    before = signal.signal(signal.SIGTERM, leave)
    _log.info(event)
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(kernels).result()
    finally:
        signal.signal(signal.SIGTERM, before)
    keep_for_long()


async def _until(stop: asyncio.Event, *jobs: Callable[[], Awaitable[None]]) -> None:
    """Run jobs side by side until told to stop; the failure of one ends all."""
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    waiter = asyncio.ensure_future(stop.wait())
    done, pending = await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _beside(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job on a thread and a loop of its own until cancelled: no computation holds it up."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_until(stop, job))

    thread = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        await thread
        raise


async def _follow_plants(database: Database, pipeline: Pipeline, settings: Settings) -> None:
    """Load the registry again whenever a description is applied."""
    keys = settings.gateway_keys()
    while True:
        try:
            async with database.listen("nengtan_plant") as connection:
                # What was applied while nobody listened.
                await _reload(database, pipeline, keys)
                async for _ in connection.notifies():
                    await _reload(database, pipeline, keys)
        except DatabaseUnavailable as error:
            _log.warning("ingest.registry.stale", reason=str(error))
            await asyncio.sleep(1.0)


async def _reload(database: Database, pipeline: Pipeline, keys: Mapping[str, bytes]) -> None:
    registry = await load_registry(database, keys=keys)
    pipeline.receiver.set_filters(registry.filters())
    pipeline.registry = registry
    keep_for_long()
    _log.info("ingest.registry.loaded", points=len(registry.point_id))


async def _values_out(database: Database, pipeline: Pipeline, held: asyncio.Event) -> None:
    """Publish live values, as long as this process is the one that is connected."""
    await held.wait()
    await ValuesOut(database, pipeline.receiver).run()


async def _redrive(database: Database, pipeline: Pipeline) -> None:
    """Try again what is due in the quarantine."""
    while True:
        await asyncio.sleep(_REDRIVE_S)
        try:
            await redrive_due(database, pipeline.committer, pipeline.registry)
        except DatabaseUnavailable as error:
            _log.warning("ingest.redrive.postponed", reason=str(error))


async def _say(database: Database, pipeline: Pipeline, held: asyncio.Event) -> None:
    """Say every other second whether the broker is there, and how far ingest is behind."""
    await held.wait()
    while True:
        await asyncio.sleep(_SAY_S)
        detail = {
            "connected": pipeline.receiver.connected,
            "waiting_s": round(pipeline.waiting_s(), 3),
        }
        try:
            async with database.transaction() as connection:
                await session.commit_without_waiting(connection)
                await alert_facts.put_service_state(
                    connection, name="ingest", at=clock.now(), detail=detail
                )
        except DatabaseUnavailable as error:
            _log.warning("ingest.state.postponed", reason=str(error))


async def _import(database: Database) -> None:
    """Look at files, take them and take them back, as people ask."""
    while True:
        try:
            if not await import_due(database):
                await asyncio.sleep(_IMPORT_S)
        except DatabaseUnavailable as error:
            _log.warning("ingest.import.postponed", reason=str(error))
            await asyncio.sleep(_REDRIVE_S)
