"""A real process: it starts, answers, stops within a bound with what has begun done, and shares nothing it must not."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.nodes import environment, free_port, make_node, served

from sealane.errors import InputError, StoreError
from sealane.node.api_tokens import create_token
from sealane.node.serve import serve, serving_process

STOP_TIMEOUT_S = 6


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(made.public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return folder / "chain.pem", folder / "key.pem"


def test_it_starts_answers_and_stops_with_the_request_in_flight_done(
    tmp_path: Path, database_url: str, database_kind: str
) -> None:
    url = "" if database_kind == "sqlite" else database_url
    with make_node(tmp_path / "node", url, stop_timeout_s=STOP_TIMEOUT_S) as node:
        origin = node.settings.origin
    env = environment(SEALANE_DATABASE_URL=url) if url else environment()
    with served(tmp_path / "node", origin, env) as running:
        assert serving_process(tmp_path / "node") == running.process.pid
        assert running.client.get("/health").json() == {"status": "alive"}
        # A request that has begun and sends its body slowly is answered although the node is told to stop meanwhile.
        host, port = origin.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as slow:
            slow.sendall(b"POST /sealane/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
            time.sleep(0.3)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            slow.sendall(b"{}")
            answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 4"), answer
        assert running.process.wait(STOP_TIMEOUT_S + 20) == 0
        messages = [line["message"] for line in running.log()]
    assert messages[-1] == "stopped"
    assert "this process does the jobs" in messages
    assert serving_process(tmp_path / "node") is None
    assert not [line for line in messages if "cut off" in line]


def test_a_client_that_never_ends_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with make_node(tmp_path / "node", stop_timeout_s=2) as node:
        origin = node.settings.origin
    with served(tmp_path / "node", origin, environment()) as running:
        host, port = origin.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as stuck:
            stuck.sendall(b"POST /sealane/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
            time.sleep(0.3)
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(30) == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_several_workers_on_postgresql(tmp_path: Path, database_url: str) -> None:
    with make_node(tmp_path / "node", database_url, workers=2, stop_timeout_s=STOP_TIMEOUT_S) as node:
        origin = node.settings.origin
        with node.database.write() as connection:
            _, token = create_token(connection, "prometheus", "monitor", node.clock())
    with served(tmp_path / "node", origin, environment(SEALANE_DATABASE_URL=database_url)) as running:
        stop = threading.Event()
        statuses: list[int] = []

        def ask() -> None:
            while not stop.is_set():
                statuses.append(httpx.get(f"{origin}/nothing", trust_env=False, timeout=30).status_code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        counted: list[str] = []
        # Every worker's requests are in the metrics, whichever worker is asked for them.
        while time.monotonic() < until and len(statuses) < 60:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        text = running.client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
        counted = [line for line in text.splitlines() if 'route="(none)"' in line and "_requests_total{" in line]
        assert set(statuses) == {404}
        assert float(counted[0].split()[-1]) == len(statuses)
        leaders = [line for line in running.log() if line["message"] == "this process does the jobs"]
        assert len(leaders) == 1
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(STOP_TIMEOUT_S + 30) == 0
        assert "hunter" not in str(running.log())
        assert database_url.split(":")[2].split("@", maxsplit=1)[0] not in running.log_file.read_text()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path, database_url: str) -> None:
    with make_node(tmp_path / "node", database_url, workers=2, stop_timeout_s=2) as node:
        origin = node.settings.origin
    with served(tmp_path / "node", origin, environment(SEALANE_DATABASE_URL=database_url)) as running:
        running.process.kill()
        running.process.wait()
        # One worker may be gone while another still answers: only silence that lasts says that none is left.
        until, silent = time.monotonic() + 60, 0
        while silent < 5 and time.monotonic() < until:
            try:
                httpx.get(f"{origin}/health", trust_env=False, timeout=5)
                silent = 0
            except httpx.TransportError:
                silent += 1
            time.sleep(0.2)
        assert silent == 5


def test_tls(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path / "tls")
    port = free_port()
    origin = f"https://127.0.0.1:{port}"
    files = {"tls_certificate": str(chain), "tls_key": str(key)}
    make_node(tmp_path / "node", port=port, origin=origin, **files).close()
    trust = ssl.create_default_context(cafile=str(chain))
    with served(tmp_path / "node", origin, environment(), verify=trust) as running:
        answer = running.client.get("/health")
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):  # control: it is checked
            httpx.get(f"{origin}/health", trust_env=False)


def test_several_workers_on_sqlite_are_refused_with_the_reason(tmp_path: Path) -> None:
    make_node(tmp_path / "node", workers=2).close()
    with pytest.raises(InputError, match=r"workers is 2, but SQLite takes one writing process.*SEALANE_DATABASE_URL"):
        serve(tmp_path / "node", {})


def test_a_folder_is_served_once(tmp_path: Path) -> None:
    with make_node(tmp_path / "node") as node:
        origin = node.settings.origin
    with (
        served(tmp_path / "node", origin, environment()) as running,
        pytest.raises(InputError, match=f"process {running.process.pid} serves this node already"),
    ):
        serve(tmp_path / "node", {})


def test_a_port_that_is_taken_says_which(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        make_node(tmp_path / "node", port=port, origin=f"http://127.0.0.1:{port}").close()
        with pytest.raises(StoreError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            serve(tmp_path / "node", {})


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    assert serving_process(tmp_path) is None
    (tmp_path / "serve.lock").write_text(f"{os.getpid()}\n")  # left behind by a process that was killed
    assert serving_process(tmp_path) is None
