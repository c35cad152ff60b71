"""Run the Dataspace Protocol's conformance kit against a node, list what passed and failed, exit non-zero on failure.

The kit (``org.eclipse.dataspacetck.dsp``) comes from Maven Central, by name and version. ``--tck-version`` takes
another version; up to 1.0.0-RC6 the kit's core and runtime are in the same group, later ones in
``org.eclipse.dataspacetck.common`` with a version of their own. The list and the JUnit XML stand under ``build/tck``.

``--broken`` runs a negative control: the node's provider takes a verification where none is due, and the kit
must find that.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "tests" / "conformance"
OUT = ROOT / "build" / "tck"
DEFAULT_VERSION = "1.0.0-RC6"
WANTED_VERSION = "1.0.1"
# Versions of what the kit's published descriptions leave to Gradle, as its own version catalogue names them.
OWN_GROUP = ("org.eclipse.dataspacetck.dsp", None, "6.0.2", "5.3.0")
COMMON_GROUP = ("org.eclipse.dataspacetck.common", "1.0.0", "6.1.0", "5.4.0")
# Tests that the kit itself has switched off, in 1.0.0-RC6 as in 1.0.1. They are run all the same and listed, but as the
# kit does not count them, neither does the exit code.
SWITCHED_OFF = ("TP:02-04", "TP_C:02-04")
MAVEN_TIMEOUT_S = 900
KIT_TIMEOUT_S = 900
NOT_PROVEN = 3  # exit code of a run that could not take place


@dataclass(frozen=True)
class Result:
    """How one test of the kit ended."""

    status: str
    seconds: float
    test_class: str
    mandatory: bool
    name: str
    message: str

    @property
    def counts(self) -> bool:
        """False for a test the kit has switched off."""
        return self.name.partition(": ")[0] not in SWITCHED_OFF


class NotProvenError(Exception):
    """The machine cannot run the kit."""


def group_of(version: str) -> tuple[str, str | None, str, str]:
    """Return group and version of the kit's core, and the versions of JUnit's platform and of OkHttp."""
    own = re.fullmatch(r"0\..*|1\.0\.0-RC[1-6]", version) is not None
    return OWN_GROUP if own else COMMON_GROUP


def build(version: str) -> str:
    """Download the kit and compile the two classes around it; return the class path.

    Raises
    ------
    NotProvenError
        When Java or Maven are missing, or Maven cannot get the kit.
    """
    spec = importlib.util.spec_from_file_location("need_maven", ROOT / "scripts" / "need_maven.py")
    assert spec is not None and spec.loader is not None
    need_maven = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(need_maven)
    need_maven.main()
    if (reason := need_maven.missing()) is not None:
        raise NotProvenError(reason)
    group, core, junit, okhttp = group_of(version)
    work = OUT / "maven" / version
    options = {
        "tck.version": version,
        "tck.core.group": group,
        "tck.core.version": core or version,
        "junit.version": junit,
        "okhttp.version": okhttp,
        "work": str(work),
    }
    command = ["mvn", "-q", "-B", "-f", str(PROJECT / "pom.xml"), "process-classes"]
    command += [f"-D{name}={value}" for name, value in options.items()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAVEN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NotProvenError(f"Maven did not end within {MAVEN_TIMEOUT_S} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise NotProvenError(
            f"Maven could not get or compile kit {version}: {lines[0] if lines else 'no reason given'}"
        )
    return f"{work / 'classes'}{os.pathsep}{(work / 'classpath').read_text(encoding='utf-8').strip()}"


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(version: str, *, broken: bool = False, only: str | None = None) -> tuple[list[Result], float]:
    """Run the kit against a fresh node; return its results and how many seconds it took.

    Raises
    ------
    NotProvenError
        When the machine cannot run the kit.
    """
    class_path = build(version)
    with tempfile.TemporaryDirectory(prefix="sealane-tck-") as temporary:
        folder = Path(temporary)
        port, kit_port = free_port(), free_port()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SEALANE_")}
        environment["PYTHONPATH"] = str(ROOT)
        seed = [sys.executable, "-m", "tests.conformance.seed", str(folder / "node")]
        seed += ["--port", str(port), "--kit-port", str(kit_port)]
        subprocess.run(seed, check=True, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        module = "tests.conformance.broken" if broken else "sealane"
        serve = [sys.executable, "-m", module, "node", "serve", "--node", str(folder / "node")]
        OUT.mkdir(parents=True, exist_ok=True)
        with (OUT / "node.log").open("wb") as log:
            node = subprocess.Popen(serve, stdout=log, stderr=log, env=environment, cwd=ROOT)
            try:
                _wait_until_ready(node, port)
                return _run_kit(class_path, folder, only)
            finally:
                node.terminate()
                try:
                    node.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    node.kill()
                    node.wait()


def _run_kit(class_path: str, folder: Path, only: str | None) -> tuple[list[Result], float]:
    results = folder / "results"
    command = ["java", f"-Dsealane.results={results}", *([f"-Dsealane.only={only}"] if only else [])]
    command += ["-Djunit.jupiter.conditions.deactivate=org.junit.*DisabledCondition"]
    command += ["-cp", class_path, "sealane.conformance.Run", str(folder / "kit.properties")]
    begun = time.monotonic()
    with (OUT / "kit.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log, check=False, timeout=KIT_TIMEOUT_S)
    seconds = time.monotonic() - begun
    if not results.exists():
        raise SystemExit(f"The kit ran no test; see {OUT / 'kit.log'}.")
    return [_read(line) for line in results.read_text(encoding="utf-8").splitlines()], seconds


def _read(line: str) -> Result:
    status, seconds, *encoded = line.split("\t")
    unique_id, tags, name, message = (base64.b64decode(text).decode() for text in encoded)
    found = re.search(r"\[class:([\w.]+)\]", unique_id)
    mandatory = "mandatory" in tags.lower()
    return Result(status, max(0.0, float(seconds)), found.group(1) if found else unique_id, mandatory, name, message)


def _wait_until_ready(node: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        if node.poll() is not None:
            raise SystemExit(f"The node ended before it was ready; see {OUT / 'node.log'}.")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"The node did not become ready; see {OUT / 'node.log'}.")


def write(results: list[Result], seconds: float, version: str, folder: Path) -> None:
    """Write the list and the JUnit XML."""
    lines = [f"{result.status}\t{result.name}" for result in sorted(results, key=lambda result: result.name)]
    (folder / "tests.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    suite = Xml.Element(
        "testsuite",
        name=f"Dataspace Protocol conformance kit {version}",
        tests=str(len(results)),
        failures=str(sum(result.status == "failed" and result.counts for result in results)),
        skipped=str(sum(result.status != "passed" and not result.counts for result in results)),
        time=f"{seconds:.3f}",
    )
    for result in results:
        case = Xml.SubElement(
            suite, "testcase", classname=result.test_class, name=result.name, time=f"{result.seconds:.3f}"
        )
        if result.status != "passed":
            tag = "failure" if result.counts else "skipped"
            Xml.SubElement(case, tag, message=_printable(result.message)[:2_000])
    Xml.ElementTree(suite).write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def report(results: list[Result], seconds: float, version: str) -> int:
    """Print what passed and failed; return the exit code."""
    for result in sorted(results, key=lambda result: result.name):
        note = "" if result.counts else " [switched off by the kit, run all the same]"
        sys.stdout.write(f"{result.status:8}{result.name}{note}\n")
        if result.status != "passed":
            sys.stdout.write(f"        {_printable(result.message)[:500]}\n")
    counted = [result for result in results if result.counts]
    passed, mandatory = (sum(r.status == "passed" for r in counted), sum(r.mandatory for r in counted))
    others = [result for result in results if not result.counts]
    sys.stdout.write(
        f"kit {version}: {len(counted)} tests ({mandatory} mandatory), {passed} passed, {len(counted) - passed} failed;"
        " "
        f"of {len(others)} the kit has switched off {sum(r.status == 'passed' for r in others)} pass; {seconds:.0f} s\n"
    )
    if version != WANTED_VERSION:
        sys.stdout.write(
            f"Kit {version} is the newest that Maven Central served when this was written; with {WANTED_VERSION} there:"
            f" make tck TCK_VERSION={WANTED_VERSION}\n"
        )
    return 0 if passed == len(counted) and passed else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the kit as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tck-version", default=DEFAULT_VERSION)
    parser.add_argument("--broken", action="store_true", help="negative control: a provider that skips states")
    parser.add_argument("--only", help="run only tests whose name holds this text")
    given = parser.parse_args(arguments)
    folder = OUT / "broken" if given.broken else OUT
    folder.mkdir(parents=True, exist_ok=True)
    try:
        results, seconds = run(given.tck_version, broken=given.broken, only=given.only)
    except NotProvenError as reason:
        sys.stdout.write(f"not proven: the Dataspace Protocol's conformance kit {given.tck_version}: {reason}\n")
        return NOT_PROVEN
    write(results, seconds, given.tck_version, folder)
    return report(results, seconds, given.tck_version)


if __name__ == "__main__":
    sys.exit(main())
