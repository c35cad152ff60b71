"""The one way out, against real sockets: only to partners, only to the address that was judged, never for ever."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID
from tests.wire import Listener, answering, http, listener

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.errors import RequestRefusedError
from sealane.exchange import outbound as outbound_module
from sealane.exchange.jws import new_key, public_jwk, read_header
from sealane.exchange.keys import Identity
from sealane.exchange.outbound import Outbound, UnreachableError
from sealane.exchange.peers import add_peer

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
Make = Callable[..., Outbound]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    database = Database(sqlite_url(tmp_path / "node.db"))
    database.create_tables()
    identity = Identity.create(tmp_path / "keys", "port-a", "https://a.example", NOW)
    made: list[Outbound] = []

    def outbound(origin: str, *, allow_private: bool = True, also: tuple[str, ...] = (), **options: Any) -> Outbound:
        with database.write() as connection:
            add_peer(
                connection,
                participant="port-b",
                name="B",
                origin=origin,
                root_key=ROOT,
                allow_private=allow_private,
                also_origins=also,
                now=NOW,
            )
        made.append(Outbound(identity, database, lambda: NOW, **options))
        return made[-1]

    yield outbound
    for one in made:
        one.close()
    database.close()


ROOT = public_jwk(new_key())


def url(there: Listener, path: str = "/x") -> str:
    return f"http://127.0.0.1:{there.port}{path}"


def ask(outbound: Outbound, address: str, **options: Any) -> Any:
    return outbound.request("GET", address, participant="port-b", **options)


def test_a_request_carries_token_signature_and_host(make: Make) -> None:
    with listener(answering(http(b"yes", "201 Created", "X-One: 1"))) as there:
        answer = ask(make(url(there, "")), url(there, "/x?y=z"))
        assert (answer.status, answer.headers["x-one"], answer.content) == (201, "1", b"yes")
        head = there.requests[0].decode().lower()
    assert head.startswith("get /x?y=z http/1.1\r\n")
    assert f"host: 127.0.0.1:{there.port}" in head
    for name in ("authorization: bearer ", "signature: ", "signature-input: ", "content-digest: "):
        assert name in head
    assert "accept-encoding: identity" in head


def test_token_and_signature_are_by_one_key_also_while_another_process_rotates(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = outbound_module.issue_token

    def rotating(identity: Identity, *rest: Any) -> str:
        token = original(identity, *rest)
        identity.rotate(NOW)  # in the worst moment
        return token

    monkeypatch.setattr(outbound_module, "issue_token", rotating)
    with listener() as there:
        ask(make(url(there, "")), url(there))
        head = there.requests[0].decode()
    token = next(line.split()[2] for line in head.split("\r\n") if line.lower().startswith("authorization:"))
    assert f'keyid="{read_header(token).kid}"' in head


def test_an_unsigned_request_shows_no_token(make: Make) -> None:
    with listener() as there:
        ask(make(url(there, "")), url(there), sign=False)
        assert b"authorization" not in there.requests[0].lower()


def test_connections_are_kept(make: Make) -> None:
    with listener() as there:
        outbound = make(url(there, ""))
        for _ in range(20):
            assert ask(outbound, url(there)).status == 200
        assert (there.connections, len(there.requests)) == (1, 20)


def test_many_threads_get_their_own_answers(make: Make) -> None:
    def echo(connection: Any, head: bytes) -> None:
        connection.sendall(http(head.split(b" ")[1]))

    wrong: list[object] = []
    with listener(echo) as there:
        outbound = make(url(there, ""))

        def work(number: int) -> None:
            for turn in range(15):
                path = f"/{number}/{turn}"
                answer = ask(outbound, url(there, path))
                if answer.content != path.encode():
                    wrong.append((path, answer))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_an_address_that_is_not_the_partners_is_refused_without_a_connection(make: Make) -> None:
    with listener() as partner, listener() as other:
        outbound = make(url(partner, ""))
        for address in (
            url(other),
            f"http://127.0.0.1:{partner.port}@127.0.0.1:{other.port}/",
            f"http://user@127.0.0.1:{partner.port}/",
            f"http://127.1:{partner.port}/",
            f"http://2130706433:{partner.port}/",
            f"http://0x7f000001:{partner.port}/",
            f"http://localhost:{partner.port}/",
            f"http://[::ffff:127.0.0.1]:{partner.port}/",
            f"https://127.0.0.1:{partner.port}/",
            f"file://127.0.0.1:{partner.port}/etc/passwd",
            f"http://127.0.0.1:{partner.port}/\r\nX-Injected: 1",
            f"http://127.0.0.1:{partner.port}\\@evil.example/",
            "//127.0.0.1/",
            "",
        ):
            with pytest.raises(RequestRefusedError) as refused:
                ask(outbound, address)
            assert refused.value.kind == "address-refused"
        assert (partner.connections, other.connections) == (0, 0)
        assert ask(outbound, url(partner)).status == 200  # control


def test_a_further_origin_must_be_registered(make: Make) -> None:
    with listener() as partner, listener() as data_host:
        with pytest.raises(RequestRefusedError):
            ask(make(url(partner, "")), url(data_host))
        assert ask(make(url(partner, ""), also=(url(data_host, ""),)), url(data_host)).status == 200


def test_an_unknown_partner_is_refused(make: Make) -> None:
    outbound = make("https://b.example")
    with pytest.raises(RequestRefusedError, match="sealane peer add"):
        outbound.request("GET", "https://b.example/", participant="port-c")


def test_host_and_port_are_spelled_in_one_way(make: Make) -> None:
    seen: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        seen.append(f"{host}:{port}")
        raise OSError("not here")

    outbound = make("https://b.example", resolver=resolver)
    with pytest.raises(UnreachableError, match=r"https://b\.example/x\?y: the name b\.example cannot be resolved"):
        ask(outbound, "https://B.example:443/x?y")
    assert seen == ["b.example:443"]


def resolving(*answers: list[str]) -> tuple[Callable[[str, int], list[str]], list[str]]:
    asked: list[str] = []

    def resolver(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolver, asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], []])
def test_a_name_that_leads_to_a_private_address_is_refused(make: Make, addresses: list[str]) -> None:
    with listener() as there:
        resolver, asked = resolving(addresses)
        outbound = make(f"https://b.example:{there.port}", allow_private=False, resolver=resolver)
        with pytest.raises(RequestRefusedError, match="may not connect"):
            ask(outbound, f"https://b.example:{there.port}/")
        assert (there.connections, asked) == (0, ["b.example"])


def test_the_name_is_resolved_once_and_the_host_field_keeps_it(make: Make) -> None:
    """A second answer of the resolver, as in a rebinding attack, is never asked for."""
    with listener() as there:
        resolver, asked = resolving(["127.0.0.1"], ["127.0.0.2"])
        outbound = make(f"http://b.example:{there.port}", resolver=resolver)
        assert ask(outbound, f"http://b.example:{there.port}/").status == 200
        assert asked == ["b.example"]
        assert f"host: b.example:{there.port}".encode() in there.requests[0].lower()


def test_the_next_address_is_tried_where_one_does_not_answer(make: Make) -> None:
    with listener(host="127.0.0.2") as there:
        resolver, _ = resolving(["127.0.0.3", "127.0.0.2"])
        outbound = make(f"http://b.example:{there.port}", resolver=resolver)
        assert ask(outbound, f"http://b.example:{there.port}/").status == 200


def test_link_local_addresses_are_refused_even_where_private_ones_are_allowed(make: Make) -> None:
    resolver, _ = resolving(["169.254.169.254"])
    with pytest.raises(RequestRefusedError, match="may not connect"):
        ask(make("http://b.example", resolver=resolver), "http://b.example/latest/meta-data/")


def test_redirects_are_not_followed(make: Make) -> None:
    with listener() as trap:
        moved = http(b"", "302 Found", f"Location: {url(trap)}")
        with listener(answering(moved)) as there:
            answer = ask(make(url(there, "")), url(there))
        assert (answer.status, trap.connections) == (302, 0)


def test_proxies_of_the_environment_are_not_used(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as trap, listener() as there:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
        assert ask(make(url(there, "")), url(there)).status == 200
        assert (trap.connections, there.connections) == (0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"",
        http(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"),
        http(b"x" * 5000),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error_not_a_hang(make: Make, data: bytes) -> None:
    def answer(connection: Any, _: bytes) -> None:
        connection.sendall(data)
        connection.close()

    with listener(answer) as there, pytest.raises(UnreachableError):
        ask(make(url(there, "")), url(there), max_bytes=4000)


def test_an_answer_that_drips_ends_with_the_whole_time(make: Make) -> None:
    """Each byte comes well within the timeout of one read; only all together take too long."""
    with listener(answering(http(b"x" * 400), pause_s=0.05)) as there, pytest.raises(UnreachableError, match="time"):
        ask(make(url(there, "")), url(there), timeout_s=0.5)


def test_nobody_there(make: Make) -> None:
    with listener() as there:
        pass
    with pytest.raises(UnreachableError):
        ask(make(url(there, "")), url(there))


def tls_files(folder: Path, name: str) -> tuple[Path, Path]:
    """Return (certificate, both in one PEM) of a self-signed certificate for a host name."""
    key = ed25519.Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.mkdir()
    (folder / "ca.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(private + pem)
    return folder / "ca.pem", folder / "both.pem"


def test_tls_is_for_the_name_and_not_for_the_address(make: Make, tmp_path: Path) -> None:
    authority, both = tls_files(tmp_path / "tls", "b.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    resolver, _ = resolving(["127.0.0.1"])
    with listener(tls=context) as there:
        good = make(f"https://b.example:{there.port}", resolver=resolver, ca_file=str(authority))
        assert ask(good, f"https://b.example:{there.port}/").status == 200
        other = make(f"https://c.example:{there.port}", resolver=resolver, ca_file=str(authority))
        with pytest.raises(UnreachableError, match="certificate"):
            ask(other, f"https://c.example:{there.port}/")
        strangers = make(f"https://b.example:{there.port}", resolver=resolver)
        with pytest.raises(UnreachableError, match="certificate"):
            ask(strangers, f"https://b.example:{there.port}/")
        assert len(there.requests) == 1
