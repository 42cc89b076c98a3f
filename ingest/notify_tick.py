"""The notifier's task of the worker: it looks at what is due as soon as the bell rings."""

import asyncio
import contextlib

import structlog

from services import clock, external_alerts
from services.notify.deliver import Notifier
from services.notify.exchange import Line
from services.notify.mail import MailServer
from services.notify.send import Means
from services.settings import Settings
from services.store.pool import Database, DatabaseUnavailable

_log = structlog.get_logger()

# Bell or no bell: retries and escalations become due by time alone.
_SWEEP_S = 1.0
_KEEP_UP_S = 10.0
_RETRY_S = 1.0
# What is on its way when the process is told to stop may arrive, so that it is not sent again.
_LAST_WORDS_S = 5.0


def means_of(settings: Settings) -> Means:
    """Return with what messages are sent, as the operator decided.

    Raises
    ------
    SettingsInvalid
        If a setting cannot be used.
    """
    mail = None
    if settings.mail_host is not None:
        mail = MailServer(
            host=settings.mail_host,
            port=settings.mail_port,
            security=settings.mail_security,
            sender=settings.mail_sender,
            username=settings.mail_username,
            password=settings.mail_password(),
        )
    line = Line(allowed=settings.private_networks())
    return Means(line=line, mail=mail, public_url=settings.public_url)


class NotifyTick:
    """Sends what is due, until cancelled."""

    def __init__(self, database: Database, means: Means) -> None:
        self._database = database
        self._notifier = Notifier(database, means)

    async def run(self) -> None:
        """Work until cancelled; wait for the database as long as it takes."""
        bell = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(bell))
                group.create_task(self._work(bell))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._notifier.settle()

    async def _listen(self, bell: asyncio.Event) -> None:
        while True:
            try:
                async with self._database.listen("nengtan_alert") as connection:
                    async for _ in connection.notifies():
                        bell.set()
            except DatabaseUnavailable:
                # Who works says it.
                await asyncio.sleep(_RETRY_S)

    async def _work(self, bell: asyncio.Event) -> None:
        kept_up_s = float("-inf")
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP_S):
                    await bell.wait()
            bell.clear()
            try:
                await self._notifier.tick()
                if clock.monotonic() - kept_up_s >= _KEEP_UP_S:
                    kept_up_s = clock.monotonic()
                    await self._notifier.keep_up()
                    await external_alerts.lapse(self._database, at=clock.now())
            except DatabaseUnavailable as error:
                _log.warning("notify.database.away", reason=str(error), retry_s=_RETRY_S)
                await asyncio.sleep(_RETRY_S)
            except Exception as error:  # noqa: BLE001 - one look that fails must not be the last
                _log.exception("notify.tick.failed", reason=str(error))
                await asyncio.sleep(_RETRY_S)
