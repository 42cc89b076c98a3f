"""What every service does first: listen for the signal to stop, and wait for its database."""

import asyncio
import signal

import structlog

from services.store.pool import Database, DatabaseUnavailable, UnfitDatabase

_log = structlog.get_logger()
_WAIT_S_MAX = 5.0


def stop_on_signal() -> asyncio.Event:
    """Return what is set when the process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def wait_for_database(
    url: str, *, stop: asyncio.Event, timeout_s: float = 10.0
) -> Database | None:
    """Return the database once it answers and is fit, saying what it waits for.

    Parameters
    ----------
    url : str
    stop : Event
        Ends the waiting: then None is returned.
    timeout_s : float
        How long a connection may be waited for, now and later.
    """
    stopped = asyncio.ensure_future(stop.wait())
    pause_s = 0.2
    while not stop.is_set():
        opening = asyncio.ensure_future(Database.open(url, timeout_s=timeout_s))
        await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            break
        try:
            database = opening.result()
        except (DatabaseUnavailable, UnfitDatabase) as error:
            _log.warning("database.waiting", reason=str(error), retry_s=pause_s)
            await asyncio.wait([stopped], timeout=pause_s)
            pause_s = min(pause_s * 2, _WAIT_S_MAX)
        else:
            stopped.cancel()
            return database
    return None
