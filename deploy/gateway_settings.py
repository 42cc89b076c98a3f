"""How a gateway reaches its broker: the address of its topics, the connection and the limits."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from compute.errors import NengtanError
from ingest import topics


class AddressRefused(NengtanError):
    """A tenant, site or gateway cannot be a level of a topic."""


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where a gateway's messages belong: the levels of its topics."""

    tenant: str
    site: str
    gateway: str

    def __post_init__(self) -> None:
        """Refuse what would change the shape of the topic."""
        for name in ("tenant", "site", "gateway"):
            value: str = getattr(self, name)
            if not topics.is_level(value):
                raise AddressRefused(
                    f"{name} {value!r} cannot be part of a topic; give 1 to 64 letters, digits"
                    " and any of _ . : -"
                )

    def topic(self, channel: topics.Channel) -> str:
        """Return the topic of one channel of this gateway."""
        return str(topics.Address(self.tenant, self.site, self.gateway, channel))


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How a gateway reaches its broker, and its limits.

    `unacknowledged_count` stays at or below the broker's Receive Maximum (Mosquitto: 20), which
    the MQTT library does not heed by itself. `client_id` must be this process's own: two clients
    of one id throw each other out.
    """

    host: str
    address: GatewayAddress
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    signing_key: bytes | None = field(default=None, repr=False)  # of a gateway of `signed: true`
    client_id: str = ""  # empty: tenant-site-gateway
    protocol: Literal["3.1.1", "5"] = "3.1.1"  # every broker speaks it, and no rule needs more
    tls: bool = False
    tls_ca_path: Path | None = None  # None: the system's authorities
    keepalive_s: int = 30
    connect_timeout_s: float = 5.0
    acknowledge_timeout_s: float = 30.0
    receipt_timeout_s: float = 20.0
    pause_s_max: float = 30.0
    unacknowledged_count: int = 20
    window_message_count: int = 256
    window_bytes: int = 8_000_000
