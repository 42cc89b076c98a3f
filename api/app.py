"""Door two: the HTTP interface. It translates; it does not calculate."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from api import errors
from api.dependencies import only_known_parameters
from api.page import Page
from api.routes import (
    accounts,
    alert_policy,
    alert_rules,
    alert_silences,
    alertmanager,
    alerts,
    balance,
    balance_table,
    benchmarks,
    bill,
    budgets,
    carbon_accounting,
    carbon_flow,
    collection,
    consumption,
    data_audit,
    data_quality,
    energy_flow,
    energy_query,
    events,
    exports,
    factors,
    health,
    hourly_factors,
    imports,
    live,
    meters,
    nomenclature,
    park,
    plant,
    points,
    provenance,
    quarantine,
    session,
    tariffs,
)
from api.security import ALERTMANAGER_PREFIX, PREFIX, Gate, Throttle, signed_in
from services.live_events import LiveEvents
from services.long_lived import keep_for_long
from services.provenance import VERSION
from services.settings import Network
from services.store.pool import Database
from services.waiting import stop_on_signal, wait_for_database

_DESCRIPTION = (
    "能碳管理中心的数据接口：能耗、平衡、碳排放、数据质量与溯源。时间为 RFC 3339，时段左闭右开；"
    "null 表示缺失或无效，绝不以 0 代替。\n\n"
    "Energy, balance, carbon, data quality and provenance of the energy-carbon management centre."
    " Times are RFC 3339, periods are half-open, and null means missing or invalid, never 0."
)
# Streams included; more are told at once to come back.
_CONNECTIONS_MAX = 2_000
# Who asks is told within this that the database is away, or busy.
_DATABASE_WAIT_S = 2.5
# What can go wrong anywhere, as RFC 9457 documents.
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {errors.MEDIA_TYPE: {"schema": errors.SCHEMA}}}
    for status, text in (
        ("400", "无法读取 / Cannot be read"),
        ("401", "没有有效凭证 / No valid credential"),
        ("403", "角色无权 / The roles do not allow it"),
        ("404", "未找到 / Not found"),
        ("409", "状态冲突 / In another state"),
        ("413", "过大 / Too large"),
        ("415", "内容类型不受支持 / Another content type is needed"),
        ("422", "请求不符合要求 / The request does not fit"),
        ("429", "过于频繁 / Too many"),
        ("503", "暂不可用 / Not ready"),
    )
}
ROUTERS = (
    session.router,
    accounts.router,
    accounts.changes_router,
    plant.router,
    plant.write_router,
    meters.router,
    meters.write_router,
    energy_query.router,
    points.router,
    consumption.router,
    benchmarks.router,
    bill.router,
    tariffs.router,
    tariffs.write_router,
    energy_flow.router,
    balance.router,
    balance_table.router,
    carbon_accounting.router,
    carbon_flow.router,
    factors.router,
    factors.confirm_router,
    factors.write_router,
    hourly_factors.router,
    hourly_factors.write_router,
    data_quality.router,
    data_quality.review_router,
    data_audit.router,
    collection.router,
    data_audit.review_router,
    quarantine.router,
    quarantine.write_router,
    imports.router,
    imports.write_router,
    exports.router,
    alerts.router,
    alerts.write_router,
    alert_silences.router,
    alert_silences.write_router,
    alert_policy.router,
    alert_policy.write_router,
    alert_rules.router,
    alert_rules.write_router,
    budgets.router,
    budgets.write_router,
    park.router,
    provenance.router,
    events.router,
    live.router,
    nomenclature.router,
)
# Under the prefix that readers of Alertmanager expect.
ALERTMANAGER_ROUTERS = (alertmanager.router, alertmanager.write_router)


class ServeSettings(Protocol):
    """What serving needs to know; `services.settings.Settings` has it."""

    @property
    def api_host(self) -> str:
        """Address to listen on."""

    @property
    def api_port(self) -> int:
        """Port to listen on."""

    def database(self) -> str:
        """Return the database URL."""

    def private_networks(self) -> Sequence[Network]:
        """Return the private networks that webhooks may reach."""


def create_app(
    *,
    database: Database,
    page_folder: Path | None = None,
    private_networks: Sequence[Network] = (),
) -> FastAPI:
    """Return the application over an open database, which the caller closes.

    The folder holds the built web page; without one the page says how it is built. An alert policy
    may name receivers in the private networks.
    """
    events = LiveEvents(database)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        listener = asyncio.create_task(events.run(), name="live events")
        yield
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener

    app = FastAPI(
        title="Nengtan 能碳",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False},
    )
    app.state.database = database
    app.state.throttle = Throttle()
    app.state.events = events
    app.state.private_networks = tuple(private_networks)
    # The last one added is the first one asked: the gate.
    app.add_middleware(Page, folder=page_folder)
    app.add_middleware(Gate, database=database)
    errors.install(app)
    app.router.routes.extend(_routes())
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return every route, below what is asked of its caller first.

    They hold nothing of an application. What FastAPI finds out about each when it is first looked
    for, a second in all, it finds out once a process.
    """
    anyone = APIRouter(
        prefix=PREFIX, dependencies=[Depends(only_known_parameters)], responses=_PROBLEMS
    )
    anyone.include_router(health.router)
    anyone.include_router(session.open_router)
    # Deny by default, once more: every other route hangs below this dependency.
    someone = APIRouter(
        prefix=PREFIX,
        dependencies=[Depends(signed_in), Depends(only_known_parameters)],
        responses=_PROBLEMS,
    )
    for router in ROUTERS:
        someone.include_router(router)
    # Its readers send parameters that others of their kind know: what is unknown is let pass.
    like_alertmanager = APIRouter(
        prefix=ALERTMANAGER_PREFIX, dependencies=[Depends(signed_in)], responses=_PROBLEMS
    )
    for router in ALERTMANAGER_ROUTERS:
        like_alertmanager.include_router(router)
    every = APIRouter()
    for router in (anyone, someone, like_alertmanager):
        every.include_router(router)
    return tuple(every.routes)


class _Server(uvicorn.Server):
    """Uvicorn that ends live streams first, and leaves the signal to who called it.

    Uvicorn's own way is to end the process by the signal again, before anything is closed.
    """

    def __init__(self, config: uvicorn.Config, *, events: LiveEvents) -> None:
        super().__init__(config)
        self._events = events

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that ask to stop, while serving."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._events.close()
        super().handle_exit(sig, frame)


async def serve(settings: ServeSettings, *, page_folder: Path | None) -> None:
    """Serve API and page until the process is told to stop; wait for the database before."""
    database = await wait_for_database(
        settings.database(), stop=stop_on_signal(), timeout_s=_DATABASE_WAIT_S
    )
    if database is None:
        return
    try:
        app = create_app(
            database=database,
            page_folder=page_folder,
            private_networks=settings.private_networks(),
        )
        keep_for_long()
        config = uvicorn.Config(
            app,
            host=settings.api_host,
            port=settings.api_port,
            access_log=False,
            log_config=None,
            server_header=False,
            ws="none",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
            limit_concurrency=_CONNECTIONS_MAX,
            h11_max_incomplete_event_size=32 * 1024,
        )
        await _Server(config, events=app.state.events).serve()
    finally:
        await database.close()
