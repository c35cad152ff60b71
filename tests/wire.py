"""Real sockets on loopback that say what they are told and count who comes."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket, bytes], None]


@dataclass
class Listener:
    """A listening socket.

    Attributes
    ----------
    connections : how many were accepted.
    requests : heads (and what came with them) of the requests that arrived.
    """

    host: str
    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


def answering(data: bytes, pause_s: float = 0.0) -> Answer:
    """Answer every request with these bytes; with a pause, byte by byte."""

    def answer(connection: socket.socket, _: bytes) -> None:
        if not pause_s:
            connection.sendall(data)
            return
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause_s)

    return answer


def http(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    """Return an HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@contextmanager
def listener(
    answer: Answer | None = None, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Listener]:
    """Listen, on a free port by default, while the block runs; requests are taken to end with their head."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    found = Listener(host, listening.getsockname()[1])
    answer = answer or answering(http(b"{}"))
    stopping = threading.Event()
    threads: list[threading.Thread] = []
    opened: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
                opened.append(connection)
            while not stopping.is_set():
                data = b""
                while b"\r\n\r\n" not in data:
                    part = connection.recv(65_536)
                    if not part:
                        return
                    data += part
                found.requests.append(data)
                answer(connection, data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            found.connections += 1
            opened.append(connection)
            threads.append(threading.Thread(target=talk, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield found
    finally:
        stopping.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        accepting.join()
        for thread in threads:
            thread.join()
