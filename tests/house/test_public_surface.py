"""What `import sealane` offers, and what it does not do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sealane

PUBLIC = [
    "Clause",
    "DataError",
    "EngineError",
    "FileFormatError",
    "FuelUse",
    "InputError",
    "InterruptedWorkError",
    "InventoryRequest",
    "MissingFactorError",
    "Record",
    "ReferenceDataError",
    "RequestRefusedError",
    "SealaneError",
    "Settings",
    "ShipYear",
    "StoreError",
    "Terms",
    "__version__",
    "calc",
    "compare_scenarios",
    "decide",
    "emission_factor",
    "ensemble",
    "explain",
    "list_factors",
    "load_agreements",
    "open_node",
    "pathway",
    "port",
    "read_agreements",
    "read_calls",
    "read_corridor",
    "read_scenario",
    "read_zones",
    "route",
    "run_arrival",
    "run_inventory",
    "run_lane",
    "simulate",
    "simulate_week",
    "slow_steaming",
    "solve_plan",
    "tornado",
    "write_samples",
    "write_zones",
]
HEAVY = (
    "numba",
    "duckdb",
    "matplotlib",
    "pyarrow",
    "numpy",
    "openpyxl",
    "xlsxwriter",
    "pyspark",
    "pandas",
    "typer",
    "sqlalchemy",
    "fastapi",
)


def test_the_public_names_are_these_and_no_others() -> None:
    assert sorted(sealane.__all__) == PUBLIC
    assert dir(sealane) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(sealane, name)
    assert name == "__version__" or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        sealane.no_such_name  # noqa: B018 - the access is what is tested


def test_the_type_checker_sees_the_same_homes() -> None:
    tree = ast.parse(Path(sealane.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == sealane._HOMES


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_is_light() -> None:
    assert not loaded_by("import sealane") & set(HEAVY)
    # Negative control: the probe does see a heavy module where one is loaded.
    assert "numba" in loaded_by("import numba")


def test_the_command_line_starts_light() -> None:
    assert not loaded_by("import sealane.cli.main") & (set(HEAVY) - {"typer"})


def test_importing_has_no_side_effect(tmp_path: Path) -> None:
    code = """
import locale, os, signal, sys, threading, warnings

def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return (os.environ.copy(), os.getcwd(), threading.active_count(), list(warnings.filters), list(sys.path), handlers,
            locale.setlocale(locale.LC_ALL))

before = state()
import sealane, sealane.cli.main
assert state() == before
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
