"""The start-up script of the container, run as it is against a real PostgreSQL; the files around it agree with it."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
import yaml
from tests.nodes import environment, free_port, served
from tests.postgresql import Cluster, binaries

from sealane.database import Database
from sealane.database.migrations import head, migrate, revision
from sealane.database.wall import passes_walls
from sealane.node.settings import PREFIX, make_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
START = DEPLOY / "start.sh"
# Read by the script, not by the node.
SCRIPTS_OWN = {"SEALANE_MIGRATE", "SEALANE_DATABASE_PASSWORD_FILE"}


@contextmanager
def started(env: Mapping[str, str], log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log_file.open("ab") as log:
        process = subprocess.Popen(["sh", str(START)], env=dict(env), stdout=log, stderr=log)
        try:
            until = time.monotonic() + 90
            while time.monotonic() < until and process.poll() is None:
                try:
                    if httpx.get(f"{env['SEALANE_ORIGIN']}/ready", trust_env=False, timeout=5).status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            else:
                raise AssertionError(log_file.read_text())
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_script_makes_migrates_and_serves_a_node(tmp_path: Path, database_url: str) -> None:
    address, password = re.sub(r":[^:@/]+@", "@", database_url), database_url.split(":")[2].split("@", maxsplit=1)[0]
    (tmp_path / "password").write_text(password + "\n")
    port = free_port()
    env = environment(
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        SEALANE_NODE=str(tmp_path / "data" / "node"),
        SEALANE_PARTICIPANT="urn:sealane:test:deployed",
        SEALANE_NAME="Port of Deployed",
        SEALANE_ORIGIN=f"http://127.0.0.1:{port}",
        SEALANE_PORT=str(port),
        SEALANE_DATABASE_URL=address,
        SEALANE_DATABASE_PASSWORD_FILE=str(tmp_path / "password"),
        SEALANE_WORKERS="2",
        SEALANE_STOP_TIMEOUT_S="5",
    )
    log_file = tmp_path / "log"
    for start in ("first", "second"):
        with started(env, log_file) as process:
            assert httpx.get(f"{env['SEALANE_ORIGIN']}/.well-known/sealane", trust_env=False).status_code == 200
            process.send_signal(signal.SIGTERM)  # to the script's own process, which is the node by now
            assert process.wait(40) == 0, start
    database = Database(database_url)
    assert revision(database) == head()
    database.close()
    text = log_file.read_text()
    assert password not in text
    assert f"The tables were at {head()} and are at {head()}." in text
    # Control: without the file it cannot get in.
    env.pop("SEALANE_DATABASE_PASSWORD_FILE")
    done = subprocess.run(["sh", str(START)], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 74
    assert "no password supplied" in done.stderr


def test_the_script_names_what_it_lacks(tmp_path: Path) -> None:
    def run(**values: str) -> str:
        done = subprocess.run(
            ["sh", str(START)], env=environment(**values), capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        return done.stderr

    assert "SEALANE_NODE" in run()
    assert "SEALANE_PARTICIPANT" in run(SEALANE_NODE=str(tmp_path / "node"))
    assert "SEALANE_ORIGIN" in run(SEALANE_NODE=str(tmp_path / "node"), SEALANE_PARTICIPANT="p", SEALANE_NAME="n")
    assert not (tmp_path / "node").exists()


def test_it_runs_as_an_unprivileged_user() -> None:
    """The node's account owns nothing but its folder; reading the code is all else it is allowed."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("not proven: becoming another user needs root and setpriv")
    nobody = pwd.getpwnam("nobody")
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # Should the code lie in a folder that only root may enter: reading, and nothing else, is let through.
    become += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    can = subprocess.run([*become, sys.executable, "-c", "import sealane"], capture_output=True, check=False)
    if can.returncode != 0:
        pytest.skip("not proven: an unprivileged user cannot read the environment of these tests")
    folder = Path(tempfile.mkdtemp(prefix="sealane-nobody-"))
    try:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        words = [*become, sys.executable, "-m", "sealane", "node", "init", "--node", str(folder / "node")]
        words += ["--participant", "urn:x", "--name", "X", "--origin", origin, "--port", str(port)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
        assert done.returncode == 0, done.stderr
        assert "running as root" not in done.stderr
        assert {path.stat().st_uid for path in folder.rglob("*")} == {nobody.pw_uid}
        with served(folder / "node", origin, environment(), become=become) as running:
            assert running.client.get("/ready").status_code == 200
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(30) == 0
            assert not [line for line in running.log() if "running as root" in line["message"]]
    finally:
        shutil.rmtree(folder)


def test_the_script_is_plain_sh() -> None:
    assert START.stat().st_mode & 0o111
    for shell in ("dash", "bash"):
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", str(START)], check=False).returncode == 0


def test_the_compose_file_gives_only_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    node, database = compose["services"]["node"], compose["services"]["database"]
    own = {k: str(v) for k, v in node["environment"].items() if k.startswith(PREFIX) and k not in SCRIPTS_OWN}
    settings = make_settings({}, own, "compose.yaml")
    assert settings.workers == 2
    assert settings.database_url.get_secret_value() == "postgresql://sealane@database:5432/sealane"
    assert node["depends_on"]["database"]["condition"] == "service_healthy"
    assert (DEPLOY / node["build"]["context"]).resolve() == ROOT
    assert set(node["secrets"]) | set(database["secrets"]) == set(compose["secrets"])
    places = {volume.split(":")[0] for service in (node, database) for volume in service["volumes"]}
    assert {place for place in places if not place.startswith("./")} == set(compose["volumes"])
    assert all((DEPLOY / place).is_file() for place in places if place.startswith("./"))
    # A stop may take as long as the node's own bound.
    assert int(node["stop_grace_period"].removesuffix("s")) > settings.stop_timeout_s
    assert "password" not in str(node["environment"]).replace("/run/secrets/database-password", "").lower().replace(
        "sealane_database_password_file", ""
    )


def test_the_image_copies_what_there_is_and_runs_the_script() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    assert "deploy/start.sh /usr/local/bin/sealane-start" in text
    assert '"/usr/local/bin/sealane-start"]' in text
    assert re.search(r"^USER sealane$", text, re.MULTILINE)
    own = dict(re.findall(r"\b(SEALANE_\w+)=(\S+)", text))
    assert own == {"SEALANE_NODE": "/data/node", "SEALANE_HOST": "0.0.0.0"}


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_database_script_makes_a_role_that_the_wall_holds_for(
    tmp_path: Path, postgresql_cluster: Cluster, database_kind: str
) -> None:
    (tmp_path / "password").write_text("it's a \\ password\n")
    owner = f"made_{os.getpid()}"
    statement = f"CREATE ROLE {owner} SUPERUSER LOGIN PASSWORD '{postgresql_cluster.password}'"
    admin = postgresql_cluster.url("postgres").replace("//sealane:", "//admin:")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(statement.encode())
    # Roles belong to the whole server, and tests have one of that name already.
    script = (DEPLOY / "database-role.sh").read_text().replace("sealane", "sealane_made")
    found = binaries()
    assert found is not None
    env = environment(
        PATH=f"{found}:{os.environ['PATH']}",
        POSTGRES_USER=owner,
        POSTGRES_PASSWORD_FILE=str(tmp_path / "password"),
        PGHOST="127.0.0.1",
        PGPORT=str(postgresql_cluster.port),
        PGPASSWORD=postgresql_cluster.password,
    )
    subprocess.run(["sh", "-c", script], env=env, check=True)
    made = f"postgresql://sealane_made:{quote(chr(39).join(('it', 's a ')) + chr(92) + ' password', safe='')}"
    database = Database(f"{made}@127.0.0.1:{postgresql_cluster.port}/sealane_made")
    migrate(database)
    with database.read() as connection:
        assert not passes_walls(connection)
    database.close()
    with psycopg.connect(admin, autocommit=True) as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [owner]).fetchone()
        assert row == (None,), "the superuser still has a password"
        for text in ("DROP DATABASE sealane_made", "DROP ROLE sealane_made", f"DROP ROLE {owner}"):
            connection.execute(text.encode())


def test_the_shipped_compose_file_gives_the_node_no_superuser() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounted = [volume for volume in services["database"]["volumes"] if "initdb.d" in volume]
    assert mounted == ["./database-role.sh:/docker-entrypoint-initdb.d/database-role.sh:ro"]
    assert f"//{services['database']['environment']['POSTGRES_USER']}@" not in str(services["node"]["environment"])
