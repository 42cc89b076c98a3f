"""Where a message may be sent: the address is checked after it is resolved, and then used as it is.

A name that is checked and resolved again when connecting could point inside by then; so what is
connected to is the very address that was checked.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
)
from typing import Literal
from urllib.parse import urlsplit

from services.refusal import Refusal
from services.settings import Network

Address = IPv4Address | IPv6Address

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_TARGET = re.compile(r"[!-~]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# An IPv4 address within: of NAT64 (RFC 6052) and 6to4 (RFC 3056).
_NAT64 = ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")


class UrlRefused(Refusal):
    """A URL to which nothing is sent."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its parts; `path` has the query with it."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header: the port is in it unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(text: str, *, allowed: Sequence[Network]) -> Url:
    """Return the parts of a URL.

    Parameters
    ----------
    text : str
    allowed : sequence of networks
        Private networks that the operator of the installation has named.

    Raises
    ------
    UrlRefused
        If it is not one of http or https with a host and no credentials, or its host is an address
        that must not be reached. A name is not resolved here: see `resolve`.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _unreadable(text) from None
    scheme, host = parts.scheme.lower(), (parts.hostname or "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host) or not _TARGET.fullmatch(path):
        raise _unreadable(text)
    if parts.username is not None or parts.password is not None:
        raise UrlRefused(
            "the URL holds credentials: take them out; webhooks are signed with a stored secret",
            "地址中含有账号：请去掉；回调以已存密钥签名",
            pointer="url",
        )
    literal = _literal(host)
    if literal is not None:
        _check(literal, host, allowed)
    return Url(
        scheme="https" if scheme == "https" else "http",
        host=host,
        port=port or _DEFAULT_PORTS[scheme],
        path=path,
    )


async def resolve(url: Url, *, allowed: Sequence[Network]) -> list[Address]:
    """Return the addresses of a URL's host, every one of which may be reached.

    Raises
    ------
    UrlRefused
        If one of them must not be.
    OSError
        If the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label too long to be one
        raise _unreadable(url.host) from None
    addresses = list(
        dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found)
    )
    # One bad address is enough: which of them is used is not the name's to choose.
    for address in addresses:
        _check(address, url.host, allowed)
    return addresses


def is_reachable(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether messages may go to an address: it is public, or the operator named it."""
    inner = _inner(address)
    if any(one in network for one in (address, inner) for network in allowed):
        return True
    return (
        address.is_global and inner.is_global and not inner.is_multicast and not inner.is_reserved
    )


def _check(address: Address, host: str, allowed: Sequence[Network]) -> None:
    if not is_reachable(address, allowed):
        shown = host if host == str(address) else f"{host} ({address})"
        raise UrlRefused(
            f"{shown} is not a public address: the operator of this installation can allow its"
            " network with NENGTAN_NOTIFY_NETWORKS",
            f"{shown} 不是公网地址：系统运维可用 NENGTAN_NOTIFY_NETWORKS 放行其网段",
            pointer="url",
        )


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        # What resolvers also take for IPv4 (127.1, 0x7f000001, 2130706433) is resolved, then
        # checked.
        return None


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFF_FFFF)
    return address


def _unreadable(text: str) -> UrlRefused:
    shown = text[:120]
    return UrlRefused(
        f"{shown!r} is not a URL that messages are sent to: write http:// or https:// with a host",
        f"{shown!r} 不是可发送的地址：请写 http:// 或 https:// 加主机名",
        pointer="url",
    )
