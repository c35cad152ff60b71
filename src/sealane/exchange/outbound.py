"""The one way out: requests to partners, and unsigned ones to addresses that people here entered (webhooks).

A URL must lie under an origin the operator registered for that partner. Whoever it goes to: the name is resolved once,
every address it gives is judged, and the connection goes to exactly that address; the host name stays in TLS and in the
Host field. Redirects are not followed, proxies of the environment not used, answers are bounded in size and in time.
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore

from sealane.database import Database
from sealane.errors import RequestRefusedError, UnreachableError
from sealane.exchange.addresses import may_connect, origin_of
from sealane.exchange.keys import Identity
from sealane.exchange.peers import Peer, get_peer
from sealane.exchange.request_signatures import sign_request
from sealane.exchange.tokens import issue_token

__all__ = [
    "NotBegunError",
    "Outbound",
    "Resolver",
    "Response",
    "UnreachableError",
    "check_public_url",
    "check_url",
    "resolve",
]

MAX_ANSWER_BYTES = 16 * 1_048_576
MAX_URL = 2_000
TIMEOUT_S = 15.0
# Shorter than the five seconds after which uvicorn closes an idle connection, so that a request seldom meets that.
_KEEP_ALIVE_S = 4.0
_CONNECTIONS = 32

Resolver = Callable[[str, int], list[str]]


class NotBegunError(UnreachableError):
    """The request was not begun in time, so that nothing of it went out."""


@dataclass(frozen=True)
class Response:
    """A partner's answer.

    Attributes
    ----------
    headers : names in lower case.
    """

    status: int
    headers: dict[str, str]
    content: bytes


class Outbound:
    """Sends requests to registered partners; safe to use from several threads, keeps connections alive.

    Parameters
    ----------
    clock : time in UTC, for tokens and signatures.
    ca_file : certificates of authorities to trust beside none; omitted: those of the system.
    resolver : (host, port) -> addresses; for tests.
    """

    def __init__(
        self,
        identity: Identity,
        database: Database,
        clock: Callable[[], dt.datetime],
        *,
        ca_file: str | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._database = database
        self._identity = identity
        self._clock = clock
        context = ssl.create_default_context(cafile=ca_file)
        self._deadline = _Deadline()
        self._streams = _OpenStreams()
        # Whoever forgets to close it leaves no connection behind.
        weakref.finalize(self, self._streams.shut)
        self._pools = {
            allow_private: httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE_S,
                network_backend=_PinnedBackend(allow_private, resolver or resolve, self._deadline, self._streams),
            )
            for allow_private in (False, True)
        }

    def request(
        self,
        method: str,
        url: str,
        *,
        participant: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        sign: bool = True,
        max_bytes: int = MAX_ANSWER_BYTES,
        begin_before: float | None = None,
    ) -> Response:
        """Send one request to a partner and return its answer, whatever the status; redirects are answers, too.

        Parameters
        ----------
        participant : the partner the URL must belong to.
        headers : an Authorization given here stands instead of this node's own token.
        timeout_s : for the whole exchange.
        sign : give a token and an RFC 9421 signature.
        begin_before : `time.monotonic()` before which the first byte must go out; else nothing goes out and
            `NotBegunError` is raised. For what may be sent only while a decision is fresh.

        Raises
        ------
        RequestRefusedError
            400 if the URL does not belong to the partner, or its name resolves to an address that is not allowed.
        UnreachableError
            If no complete answer came in time.
        """
        peer = self._peer(participant)
        url = check_url(url, peer)
        fields = {"accept-encoding": "identity", "user-agent": "sealane"}
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        if content or method in {"POST", "PUT", "PATCH"}:
            fields["content-length"] = str(len(content))
        if sign:
            now = self._clock()
            # One key for both: between two looks another process may rotate.
            key = self._identity.signing_key(now)
            assert key.private is not None
            fields.setdefault("authorization", f"Bearer {issue_token(self._identity, participant, now, key)}")
            fields |= sign_request(method, url, fields["authorization"], content, key=key.private, kid=key.kid, now=now)
        self._deadline.begin_before = begin_before
        return self._send(peer.allow_private, method, url, fields, content, timeout_s, max_bytes, url)

    def request_elsewhere(
        self,
        method: str,
        url: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        allow_private: bool = False,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = 65_536,
    ) -> Response:
        """Send one request to an address that is no partner's; nothing in it is signed and nothing says who sends it.

        Parameters
        ----------
        allow_private : also plain http and addresses that are not public; for the operator to decide, not for who
            enters an address on a page.

        Raises
        ------
        RequestRefusedError
            400 if the URL is none that every reader understands alike, or leads to an address that is not allowed.
        UnreachableError
            If no complete answer came in time.
        """
        url = check_public_url(url, allow_private)
        fields = {"accept-encoding": "identity", "user-agent": "sealane"}
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        if content or method in {"POST", "PUT", "PATCH"}:
            fields["content-length"] = str(len(content))
        # Path and query can hold a secret; faults name the origin only.
        return self._send(allow_private, method, url, fields, content, timeout_s, max_bytes, str(origin_of(url)))

    def close(self) -> None:
        """Close all connections; a request that another thread still wants to begin finds the way out shut."""
        self._streams.shut()
        for pool in self._pools.values():
            pool.close()

    def _peer(self, participant: str) -> Peer:
        with self._database.read() as connection:
            peer = get_peer(connection, participant)
        if peer is None:
            raise RequestRefusedError(
                400,
                "unknown-participant",
                f"The participant {participant[:60]!a} is not registered here.",
                "Register it with `sealane peer add`.",
            )
        return peer

    def _send(
        self,
        allow_private: bool,
        method: str,
        url: str,
        fields: dict[str, str],
        content: bytes,
        timeout_s: float,
        max_bytes: int,
        name: str,
    ) -> Response:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        self._deadline.until = time.monotonic() + timeout_s
        try:
            with self._pools[allow_private].stream(
                method,
                url,
                headers=list(fields.items()),
                content=content,
                extensions={"timeout": timeouts},
            ) as answer:
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                if found.get("content-encoding", "identity") != "identity":
                    raise UnreachableError(f"{name}: the answer is compressed, which was not asked for.")
                return Response(answer.status, found, _read(answer.iter_stream(), max_bytes, name))
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(
                f"{name}: {reason[:200]}. Is something served there, and the address right?"
            ) from error
        finally:
            self._deadline.until = self._deadline.begin_before = None


def check_url(url: str, peer: Peer) -> str:
    """Return a URL as it goes out, if it lies under an origin registered for the partner.

    Raises
    ------
    RequestRefusedError
        400, naming the origins that would do.
    """
    origin = origin_of(url)
    allowed = (peer.origin, *peer.also_origins)
    if origin is None or str(origin) not in allowed or "#" in url:
        raise RequestRefusedError(
            400,
            "address-refused",
            f"The address {url[:200]!a} does not belong to {peer.participant}.",
            f"Give one under {' or '.join(allowed)}.",
        )
    # Signatures cover the whole URL, so host and port are spelled as both sides spell them.
    parts = urlsplit(url)
    return f"{origin}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def check_public_url(url: str, allow_private: bool = False) -> str:
    """Return a URL as it goes out to somebody who is no partner; what its name leads to is judged when it is used.

    Raises
    ------
    RequestRefusedError
        400, saying what would do.
    """
    origin = origin_of(url)
    if origin is None or "#" in url or len(url) > MAX_URL or (origin.scheme != "https" and not allow_private):
        raise RequestRefusedError(
            400,
            "address-refused",
            "The address cannot be used: it is no https URL, or one that could be read in two ways.",
            "Give https://host/path, without user, password and fragment.",
        )
    parts = urlsplit(url)
    return f"{origin}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system's resolver gives them, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _read(parts: Iterable[bytes], max_bytes: int, url: str) -> bytes:
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > max_bytes:
            raise UnreachableError(f"{url}: the answer is longer than {max_bytes:,} bytes.")
    return bytes(content)


class _Deadline(threading.local):
    """Until when the exchange of this thread may last (monotonic), so that a dripping answer ends."""

    until: float | None = None
    begin_before: float | None = None

    def begin(self) -> None:
        """Let the first byte of a request out only in time; further ones follow it."""
        if self.begin_before is not None and time.monotonic() >= self.begin_before:
            raise NotBegunError("The request could not begin while its decision was fresh; nothing was sent.")
        self.begin_before = None

    def left(self, timeout: float | None) -> float:
        left = timeout if timeout is not None else TIMEOUT_S
        if self.until is not None:
            left = min(left, self.until - time.monotonic())
        if left <= 0:
            raise httpcore.ReadTimeout("no complete answer in time")
        return left


class _OpenStreams:
    """The connections that are open, so that none outlives the way out; a pool forgets what it opens after its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[_Stream] = set()
        self._is_shut = False

    def add(self, stream: _Stream) -> None:
        with self._lock:
            if not self._is_shut:
                self._open.add(stream)
                return
        stream.close()
        raise httpcore.ConnectError("the node is stopping")

    def discard(self, stream: _Stream) -> None:
        with self._lock:
            self._open.discard(stream)

    def shut(self) -> None:
        with self._lock:
            self._is_shut = True
            left = list(self._open)
        for stream in left:
            stream.close()


class _PinnedBackend(httpcore.NetworkBackend):
    """Resolves once, judges every address, and connects to the very address it judged."""

    def __init__(self, allow_private: bool, resolver: Resolver, deadline: _Deadline, streams: _OpenStreams) -> None:
        self._streams = streams
        self._allow_private = allow_private
        self._resolver = resolver
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._resolver(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved: {error.strerror or error}") from error
        refused = [address for address in addresses if not may_connect(address, self._allow_private)]
        if refused or not addresses:
            raise RequestRefusedError(
                400,
                "address-refused",
                f"The host {host} resolves to {', '.join(refused) or 'no address'}, where this node may not connect.",
                "Register a public host, or allow a private one with --allow-private.",
            )
        failure: Exception | None = None
        for address in addresses:
            try:
                left = self._deadline.left(timeout)
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                found = _Stream(stream, self._deadline, self._streams)
                self._streams.add(found)
                return found
        raise failure or httpcore.ConnectError(f"no address of {host} answers")


class _Stream(httpcore.NetworkStream):
    """A connection each of whose steps ends with the deadline of the whole exchange."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline, streams: _OpenStreams) -> None:
        self._stream = stream
        self._deadline = deadline
        self._streams = streams

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._deadline.begin()
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()
        self._streams.discard(self)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        # The encrypted connection takes the plain one's place; closing it closes both.
        encrypted = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        self._streams.discard(self)
        found = _Stream(encrypted, self._deadline, self._streams)
        self._streams.add(found)
        return found

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
