"""The broker program of `make demo`: amqtt (MQTT 3.1.1), refusing whatever is not granted.

`python -m deploy.embedded FOLDER` serves the users of FOLDER/broker.json and reads them again on
SIGHUP. `deploy.embedded.EmbeddedBroker` writes that file. Not for production.
"""

import asyncio
import hmac
import json
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from deploy.access import Access, covers

FILE_NAME = "broker.json"
SESSION_EXPIRY_S = 7 * 24 * 3600


def write_file(folder: Path, *, port: int, users: Mapping[str, Access]) -> None:
    """Write the port and the users, readable by their owner alone."""
    facts = {"port": port, "users": {name: asdict(access) for name, access in users.items()}}
    unfinished = folder / f"{FILE_NAME}.new"
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(facts, file)
    unfinished.replace(folder / FILE_NAME)


@dataclass(slots=True)
class Register:
    """The users the broker knows now."""

    users: dict[str, Access]

    # amqtt makes its plugins itself, from a class path: they find the register here.
    current: ClassVar["Register"]

    def knows(self, session: Session) -> bool:
        """Return whether name and password belong together, and the last will is permitted."""
        access = self.users.get(session.username or "")
        if access is None:
            return False
        given = (session.password or "").encode()
        if not hmac.compare_digest(given, access.password.encode()):
            return False
        # amqtt publishes a last will without asking the topic plugin.
        return not session.will_flag or _any_covers(access.publish, session.will_topic)

    def permits(self, session: Session | None, topic: str | None, action: Action | None) -> bool:
        """Return whether the session's user may do this with the topic."""
        access = self.users.get((session.username or "") if session else "")
        if access is None:
            return False
        granted = access.publish if action is Action.PUBLISH else access.subscribe
        return _any_covers(granted, topic)


def _any_covers(granted: tuple[str, ...], topic: str | None) -> bool:
    return bool(topic) and any(covers(allowed, str(topic)) for allowed in granted)


class PasswordCheck(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Lets in the users of the register, and nobody without a name."""

    async def authenticate(self, *, session: Session) -> bool:
        """Return whether the session may connect."""
        return Register.current.knows(session)


class AccessCheck(BaseTopicPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Applies each user's access list to publishing, subscribing and receiving."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Return whether the action is granted."""
        return Register.current.permits(session, topic, action)


class _OwnRetainedOnlyBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """amqtt sends a connecting client the retained messages of everybody's subscriptions.

    Here it gets those of its own, which were granted when it subscribed.
    """

    async def _publish_retained_messages_for_subscription(
        self,
        subscription: tuple[str, int],
        session: Session,
    ) -> None:
        subscribers = self.subscriptions.get(subscription[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


def _read(path: Path) -> tuple[int, Register]:
    facts = json.loads(path.read_text(encoding="utf-8"))
    users = {
        name: Access(
            password=access["password"],
            publish=tuple(access["publish"]),
            subscribe=tuple(access["subscribe"]),
        )
        for name, access in facts["users"].items()
    }
    return int(facts["port"]), Register(users)


async def serve(folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    port, Register.current = _read(folder / FILE_NAME)
    broker = _OwnRetainedOnlyBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "session_expiry_interval": SESSION_EXPIRY_S,
            "plugins": {
                "deploy.broker.PasswordCheck": {},
                "deploy.broker.AccessCheck": {},
            },
        },
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)

    def read_again() -> None:
        _, Register.current = _read(folder / FILE_NAME)

    loop.add_signal_handler(signal.SIGHUP, read_again)
    await broker.start()
    await stopped.wait()
    await broker.shutdown()


def main(folder: Path) -> None:
    """Run the program, its warnings on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(serve(folder))
