"""The only reader of the environment: one frozen object, built in main and passed down."""

import difflib
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from compute.errors import NengtanError

_PREFIX = "NENGTAN_"
_KEY_BYTES_MIN = 32
# Two switches, so that no slip of an operator lets a service die on purpose.
_CRASH = "NENGTAN_CRASH_AT"
_CRASHES_ALLOWED = "NENGTAN_TEST_CRASHES"
Network = IPv4Network | IPv6Network


class SettingsInvalid(NengtanError):
    """The environment holds a setting that cannot be used."""


class Settings(BaseSettings):
    """What the operator of an installation decides, as `NENGTAN_*` variables.

    Secrets come from files: `NENGTAN_DATABASE_PASSWORD_FILE`, `NENGTAN_MQTT_PASSWORD_FILE`,
    `NENGTAN_MAIL_PASSWORD_FILE`, `NENGTAN_GATEWAY_KEYS_FOLDER`.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    database_url: str = Field("postgresql://127.0.0.1:5432/nengtan", description="libpq URL.")
    database_password_file: Path | None = Field(None, description="Password of the URL's role.")
    mqtt_host: str = Field("127.0.0.1", description="Broker.")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="Port of the broker.")
    mqtt_tls: bool = Field(default=False, description="Whether the broker speaks TLS.")
    mqtt_username: str | None = Field(None, description="User of the centre at the broker.")
    mqtt_password_file: Path | None = Field(None, description="Password of that user.")
    gateway_keys_folder: Path | None = Field(
        None, description="Keys of gateways that sign: a file each, named by its broker user."
    )
    mqtt_receiver: Literal["mqtt5", "aiomqtt"] = Field(
        "mqtt5", description="mqtt5: MQTT 5, fast. aiomqtt: brokers that speak 3.1.1 only."
    )
    mqtt_client_id: str = Field("nengtan-ingest", description="Name of the persistent session.")
    ingest_flush_ms: int = Field(20, ge=1, le=1000, description="Longest wait for a batch. [ms]")
    ingest_flush_messages: int = Field(
        10_000,
        ge=1,
        le=20_000,
        description="Most messages of a batch; the window is two.",
    )
    api_host: str = Field("127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    public_url: str = Field(
        "", pattern=r"^$|^https?://[!-~]+[^/]$", description="Where people reach the page."
    )
    notify_networks: str = Field(
        "", description="Private networks that webhooks may reach, such as 10.2.0.0/16, 10.3.4.5."
    )
    mail_host: str | None = Field(None, description="Mail server that alerts are handed to.")
    mail_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the mail server is spoken to."
    )
    mail_sender: str = Field("nengtan@localhost", description="Sender of mails.")
    mail_username: str | None = Field(None, description="User at the mail server.")
    mail_password_file: Path | None = Field(None, description="Password of that user.")
    log_format: Literal["console", "json"] = Field("console", description="json for collectors.")
    crash_at: str | None = Field(None, description="Of the fault tests: see services/crash.py.")

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment.

        Raises
        ------
        SettingsInvalid
            If a `NENGTAN_*` variable is unknown (the nearest name is given) or has a bad value,
            or if `NENGTAN_CRASH_AT` is set outside the fault tests.
        """
        if _CRASH in os.environ and os.environ.get(_CRASHES_ALLOWED) != "1":
            raise SettingsInvalid(f"{_CRASH} is for the fault tests alone: take it out")
        known = {_PREFIX + name.upper() for name in cls.model_fields}
        for name in os.environ:
            # The suite's own switches are not settings of the program.
            if (
                name.startswith(_PREFIX)
                and not name.startswith(_PREFIX + "TEST_")
                and name not in known
            ):
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise SettingsInvalid(f"{name} is not a setting{hint}")
        try:
            return cls()
        except ValidationError as error:
            lines = [
                f"{_PREFIX}{str(fault['loc'][0]).upper()}={fault['input']!r}: {fault['msg']}"
                for fault in error.errors()
            ]
            raise SettingsInvalid("; ".join(lines)) from error

    def database(self) -> str:
        """Return the database URL with its password, if a file holds one."""
        if self.database_password_file is None:
            return self.database_url
        password = quote(_read_secret(self.database_password_file), safe="")
        parts = urlsplit(self.database_url)
        user = parts.username or "nengtan"
        # As written: an address in brackets, or several hosts, must stay what they are.
        host = parts.netloc.rpartition("@")[2] or "127.0.0.1"
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))

    def mqtt_password(self) -> str | None:
        """Return the broker password, if a file holds one."""
        return None if self.mqtt_password_file is None else _read_secret(self.mqtt_password_file)

    def mail_password(self) -> str | None:
        """Return the password at the mail server, if a file holds one."""
        return None if self.mail_password_file is None else _read_secret(self.mail_password_file)

    def private_networks(self) -> tuple[Network, ...]:
        """Return the private networks that webhooks may reach.

        Raises
        ------
        SettingsInvalid
            If one of them is no network.
        """
        try:
            parts = [part.strip() for part in self.notify_networks.split(",")]
            return tuple(ip_network(part) for part in parts if part)
        except ValueError as error:
            raise SettingsInvalid(
                f"{_PREFIX}NOTIFY_NETWORKS={self.notify_networks!r}: {error}: write networks such"
                " as 10.2.0.0/16, with a comma between them"
            ) from error

    def gateway_keys(self) -> Mapping[str, bytes]:
        """Return the keys of gateways that sign, by their user name at the broker.

        Raises
        ------
        SettingsInvalid
            If the folder or a file cannot be read, or a key is too short to be one.
        """
        if self.gateway_keys_folder is None:
            return {}
        try:
            files = [path for path in self.gateway_keys_folder.iterdir() if path.is_file()]
        except OSError as error:
            raise SettingsInvalid(
                f"folder of keys {self.gateway_keys_folder} cannot be read: {error.strerror}"
            ) from error
        keys = {path.name: _read_secret(path).encode() for path in files if path.name[0] != "."}
        for name, key in keys.items():
            if len(key) < _KEY_BYTES_MIN:
                raise SettingsInvalid(
                    f"key of gateway {name} in {self.gateway_keys_folder} has {len(key)} bytes: "
                    f"write one of at least {_KEY_BYTES_MIN}, such as `openssl rand -hex 32` gives"
                )
        return keys


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsInvalid(f"secret file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"secret file {path} is not UTF-8 text: write it anew") from error
