"""A proxy between two nodes that does to connections what networks do, by a seed.

It stands in for a network where namespaces and packet filters cannot be had: it resets, delays, closes one half, loses
an answer after the request was worked on, and sends a request twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST
_CHUNK = 65_536


@dataclass
class Faults:
    """How often each fault happens, as a share of connections or requests; all may be set while it runs."""

    reset: float = 0.0
    lose_answer: float = 0.0
    half_close: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_s: float = 0.2
    cut: bool = False  # nothing gets through
    lose_events: int = 0  # answers to the next so many batches of events are lost

    def stop(self) -> None:
        """Let everything through from now on."""
        self.reset = self.lose_answer = self.half_close = self.duplicate = self.delay = 0.0
        self.cut = False
        self.lose_events = 0


@dataclass
class Proxy:
    """A running proxy.

    Attributes
    ----------
    done : number of faults by name, and of ``requests``.
    begun_at : (monotonic) time at which the first bytes of each request to ``/sealane/v1/events`` came.
    """

    port: int
    target_port: int
    faults: Faults
    random: random.Random
    done: Counter[str] = field(default_factory=Counter)
    begun_at: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, request by request."""
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                request = await _message(reader)
                if request is None:
                    break
                self.done["requests"] += 1
                if request.startswith(b"POST /sealane/v1/events"):
                    self.begun_at.append(time.monotonic())
                if self.faults.cut or self._happens("reset"):
                    _reset(writer)
                    return
                if self._happens("delay"):
                    await asyncio.sleep(self.random.uniform(0, self.faults.delay_s))
                if self._happens("half_close"):
                    # The request ends in the middle; the node must not act on half of it.
                    await self._send_half(request)
                    _reset(writer)
                    return
                if upstream is None:
                    upstream = await asyncio.open_connection("127.0.0.1", self.target_port)
                upstream[1].write(request)
                await upstream[1].drain()
                answer = await _message(upstream[0])
                if answer is None:
                    break
                if self._happens("duplicate"):
                    await self._send_again(request)
                if self._happens("lose_answer") or self._loses_events(request):
                    _reset(writer)
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.done["broken"] += 1
        finally:
            for end in (writer, upstream[1] if upstream else None):
                if end is not None:
                    end.close()
                    with contextlib.suppress(OSError):
                        await end.wait_closed()

    def _happens(self, fault: str) -> bool:
        share: float = getattr(self.faults, fault)
        if share and self.random.random() < share:
            self.done[fault] += 1
            return True
        return False

    def _loses_events(self, request: bytes) -> bool:
        if self.faults.lose_events and request.startswith(b"POST /sealane/v1/events"):
            self.faults.lose_events -= 1
            self.done["lose_answer"] += 1
            return True
        return False

    async def _send_half(self, request: bytes) -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            writer.write(request[: len(request) // 2])
            await writer.drain()
            writer.write_eof()
            writer.close()

    async def _send_again(self, request: bytes) -> None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            writer.write(request)
            await writer.drain()
            await _message(reader)
            writer.close()


@contextmanager
def chaos_proxy(port: int, target_port: int, seed: int, faults: Faults | None = None) -> Iterator[Proxy]:
    """Run a proxy from one port of loopback to another, in a thread of its own."""
    proxy = Proxy(port, target_port, faults or Faults(), random.Random(seed))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # connections that are cut off at the end
    started = threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=16 * 1024 * 1024):
            started.set()
            await stopped.wait()

    stopped = asyncio.Event()

    def thread() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run())
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()

    worker = threading.Thread(target=thread, daemon=True)
    worker.start()
    if not started.wait(10):
        raise RuntimeError(f"the proxy cannot listen on port {port}")
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stopped.set)
        worker.join(10)


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """Read one HTTP/1.1 message with a Content-Length, or a chunked one; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    }
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return head + await _chunks(reader)
    length = int(fields.get(b"content-length", b"0"))
    return head + (await reader.readexactly(length) if length else b"")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        found += line + await reader.readexactly(size + 2)
        if size == 0:
            return found


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
