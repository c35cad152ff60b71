"""Where this node may connect to: origins written in one way, and addresses that lie on the public internet.

Sources: IANA special-purpose address registries (RFC 6890), RFC 4291, RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380
(Teredo); the rule that a host whose last label is a number is an IPv4 address is the WHATWG URL standard's.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sealane.errors import InputError

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_PORTS = {"http": 80, "https": 443}

# May be reached where the operator allows a partner a private address.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "fc00::/7", "::1/128")
)
# Carry another address inside, or belong to no host; never reached. The cloud's metadata service is link-local.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port; written in one way only, so that two of them can be compared as text."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" if self.port == _PORTS[self.scheme] else f"{self.scheme}://{host}:{self.port}"


def read_origin(text: str, allow_private: bool = False) -> Origin:
    """Return the origin written as ``scheme://host[:port]``.

    Parameters
    ----------
    allow_private : also take plain http, for nodes on one machine or in one private network.

    Raises
    ------
    InputError
        If it has a path, a user, an unknown scheme, or a host that could be understood in two ways.
    """
    origin = origin_of(text)
    if origin is None or text.rstrip("/").count("/") != 2 or "?" in text or "#" in text:
        raise InputError(f"The origin {text[:200]!a} cannot be used. Write https://host or https://host:port, no path.")
    if origin.scheme == "http" and not allow_private:
        raise InputError(
            f"The origin {text[:200]!a} is not encrypted. Use https; plain http is for private networks only"
            " (--allow-private)."
        )
    return origin


def origin_of(url: str) -> Origin | None:
    """Return the origin of an absolute URL, None if the URL is not one every reader takes apart in the same way."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or "@" in parts.netloc or not parts.hostname or parts.netloc.endswith(":"):
        return None
    host = read_host(parts.hostname, bracketed=parts.netloc.startswith("["))
    return None if host is None or port == 0 else Origin(parts.scheme, host, port or _PORTS[parts.scheme])


def read_host(host: str, bracketed: bool = False) -> str | None:
    """Return the host in its one spelling, None if it is neither a name nor an address in standard form."""
    host = host.lower()
    if bracketed:
        try:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else None
        except ValueError:
            return None
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]):  # also 2130706433, 0x7f.1 and 0177.0.0.1, which resolvers take for addresses
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return None
    return host if len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels) else None


def may_connect(address: str, allow_private: bool) -> bool:
    """Say whether the node may open a connection to an IP address.

    Parameters
    ----------
    address : as the resolver gave it.
    allow_private : whether loopback, private and shared addresses are let through. Link-local, multicast, reserved and
        addresses that hold another inside (mapped, NAT64, 6to4, Teredo) never are.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(ip in network for network in _PRIVATE if network.version == ip.version):
        return allow_private
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
