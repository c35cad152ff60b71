"""The frame: exit codes, streams, errors without traceback, machine output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import sealane
from sealane import errors
from sealane.cli import factors, main
from sealane.cli.main import EXIT_CODES, run


def sealane_command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the installed program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sealane", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env=env,
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"sealane {sealane.__version__}\n"


def test_no_command_prints_help_and_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    for command in ("inventory", "calls", "explain", "calc", "factors", "agreement", "sample"):
        assert re.search(rf"^  {command} ", captured.out + captured.err, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["agreement", "list", "--nonsense"],
        ["agreement", "list", "--kind", "treaty"],
        ["agreement", "show"],
        ["inventory", "x.csv", "--out", "d"],
        ["inventory", "--port", "USNYC", "--out", "d"],
        ["inventory", "x.csv", "--port", "USNYC", "--out", "d", "--gwp", "ar9"],
        ["inventory", "x.csv", "--port", "USNYC", "--out", "d", "--from", "yesterday"],
        ["inventory", "x.csv", "--port", "USNYC", "--out", "d", "--column", "mmsi"],
        ["inventory", "x.csv", "--port", "USNYC", "--out", "d", "--column", "mmsi=a", "--column", "mmsi=b"],
    ],
)
def test_a_wrong_command_line_is_2_and_says_so_on_standard_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SealaneError)]


@pytest.mark.parametrize("kind", ERRORS)
def test_each_error_made_on_purpose_has_its_documented_exit_code(
    kind: type[errors.SealaneError], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    further: dict[type[errors.SealaneError], tuple[object, ...]] = {
        errors.DataError: ("what", [errors.Fault("where", "found", "remedy")]),
        errors.RequestRefusedError: (400, "slug", "what", "remedy"),
    }

    def fail(_: object) -> None:
        raise kind(*further.get(kind, ("what",)))  # type: ignore[arg-type]  # each error has arguments of its own

    monkeypatch.setattr("sealane.reference.list_factors", fail)
    assert run(["factors"]) == kind.exit_code
    assert kind.exit_code in EXIT_CODES
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sealane: what")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (FileNotFoundError(2, "No such file or directory", "positions.csv"), 2),
        (PermissionError(13, "Permission denied", "out"), 2),
        (OSError(28, "No space left on device", "out/x.parquet"), 74),
        (ZeroDivisionError("oops"), 70),
    ],
)
def test_other_ends(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("sealane.reference.list_factors", fail)
    assert run(["factors"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Traceback" in captured.err) == (code == 70)
    if isinstance(error, OSError):
        assert error.strerror is not None
        assert error.strerror in captured.err
        assert str(error.filename) in captured.err


def test_a_reader_that_stops_reading_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sealane", "factors", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors_seen = process.stderr.read()
        assert process.wait() == 141
    assert errors_seen == b""


def test_an_ascii_terminal_gets_escapes_instead_of_a_crash() -> None:
    done = sealane_command(
        "agreement", "show", "copenhagen-malmo-mou-2019", env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0
    assert "Malm\\xf6" in done.stdout


def test_control_characters_of_data_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "show", "x\x1b[2J"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_json_is_the_only_thing_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "list", "--json"]) == 0
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)) == 29
    assert captured.err == ""


def test_the_installed_command_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("sealane")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == sealane_command("--version").stdout


def test_factors_as_json_carry_their_provenance(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["factors", "ogv_llaf", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    for row in rows:
        assert row["source"]
        assert row["edition"]
        assert row["unit"]
        assert row["grade"] in "ABCD"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["valid_from"])


def test_all_factors_print_as_a_table_that_cuts_nothing_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["factors"]) == 0
    printed = capsys.readouterr().out
    rows = sealane.list_factors(None)
    assert len(rows) > 500
    assert "…" not in printed
    for row in rows[:: len(rows) // 50]:
        assert row.label in printed


def test_each_table_of_factors_is_as_wide_as_its_own_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["factors"]) == 0
    headers = [line for line in capsys.readouterr().out.splitlines() if re.match(r"name +value", line)]
    assert len(headers) == len({row.table for row in sealane.list_factors(None)})
    assert len({header.index("grade") for header in headers}) > 1


def test_an_unknown_table_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["factors", "no-such-table"]) in (2, 3)
    assert "ogv_llaf" in capsys.readouterr().err


def test_modules_are_what_the_command_is_made_of() -> None:
    assert {command.name for command in main.app.registered_commands} >= {"inventory", "factors", "sample"}
    assert callable(factors.factors)
