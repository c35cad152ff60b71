"""A mail server and a receiver of webhooks on real sockets of loopback, which keep what they were sent."""

from __future__ import annotations

import base64
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mailbox:
    """What a mail server took.

    Attributes
    ----------
    logins : (user, password, whether the line was encrypted).
    messages : (sender, recipient, text, whether the line was encrypted).
    refuse : SMTP answer to DATA instead of taking a message.
    """

    port: int = 0
    logins: list[tuple[str, str, bool]] = field(default_factory=list)
    messages: list[tuple[str, str, str, bool]] = field(default_factory=list)
    refuse: str = ""
    accept_login: bool = True


@contextmanager
def mail_server(tls: ssl.SSLContext | None, *, at_once: bool = False) -> Iterator[Mailbox]:
    """Serve SMTP while the block runs: with STARTTLS where a context is given, or with TLS from the first byte."""
    box = Mailbox()

    class Handler(socketserver.BaseRequestHandler):
        request: Any

        def handle(self) -> None:
            self.encrypted = False
            try:
                if at_once:
                    self._encrypt()
                self._talk()
            except (OSError, ssl.SSLError):
                pass
            finally:
                self.request.close()

        def _encrypt(self) -> None:
            assert tls is not None
            self.request = tls.wrap_socket(self.request, server_side=True)
            self.encrypted = True

        def _say(self, line: str) -> None:
            self.request.sendall(f"{line}\r\n".encode())

        def _line(self) -> str:
            data = b""
            while not data.endswith(b"\r\n"):
                part = self.request.recv(1)
                if not part:
                    raise OSError("gone")
                data += part
            return data.decode().rstrip("\r\n")

        def _talk(self) -> None:
            sender = recipient = ""
            self._say("220 mail.test ready")
            while True:
                line = self._line()
                verb = line.partition(" ")[0].upper()
                if verb == "EHLO":
                    offers = ["mail.test", "8BITMIME"]
                    offers += ["STARTTLS"] if tls is not None and not self.encrypted else []
                    offers += ["AUTH PLAIN"] if self.encrypted or tls is None else []
                    for offer in offers[:-1]:
                        self._say(f"250-{offer}")
                    self._say(f"250 {offers[-1]}")
                elif verb == "STARTTLS":
                    self._say("220 go ahead")
                    self._encrypt()
                elif verb == "AUTH":
                    _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                    box.logins.append((user, password, self.encrypted))
                    self._say("235 welcome" if box.accept_login else f"535 wrong password {password}")
                elif verb == "MAIL":
                    sender = line
                    self._say("250 ok")
                elif verb == "RCPT":
                    recipient = line
                    self._say("250 ok")
                elif verb == "DATA":
                    if box.refuse:
                        self._say(box.refuse)
                        continue
                    self._say("354 go on")
                    text = []
                    while (part := self._line()) != ".":
                        text.append(part)
                    box.messages.append((sender, recipient, "\r\n".join(text), self.encrypted))
                    self._say("250 taken")
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

    with _serving(socketserver.ThreadingTCPServer, Handler) as port:
        box.port = port
        yield box


@dataclass
class Hooks:
    """What a receiver of webhooks got.

    Attributes
    ----------
    requests : (path, headers with names in lower case, body).
    answers : statuses to give, the last one for ever.
    """

    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [204])

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self.port}/hook/abc?key=in-the-address"


@contextmanager
def hook_receiver() -> Iterator[Hooks]:
    """Receive webhooks while the block runs."""
    hooks = Hooks()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hooks.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = hooks.answers.pop(0) if len(hooks.answers) > 1 else hooks.answers[0]
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _serving(http.server.ThreadingHTTPServer, Handler) as port:
        hooks.port = port
        yield hooks


@contextmanager
def _serving(kind: Any, handler: Any) -> Iterator[int]:
    class Server(kind):  # type: ignore[misc]  # the class is chosen by who calls
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that goes away is nothing to print

        def get_request(self) -> Any:
            connection, address = super().get_request()
            connection.settimeout(10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection, address

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
