"""Who only tells kinds of results apart, as a node does, loads no writer of reports."""

from __future__ import annotations

import subprocess
import sys

import sealane.reports
from sealane.reports.kinds import ResultKind
from sealane.web import results

HEAVY = ("duckdb", "pandas", "xlsxwriter", "typst")


def loaded(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_node_that_begins_to_serve_has_loaded_no_writer_of_reports() -> None:
    assert loaded("import sealane.web.results, sealane.web.reports, sealane.web.overview") == set()
    assert {"duckdb", "xlsxwriter"} <= loaded("from sealane.reports import write_report")  # control


def test_every_writer_is_there_when_it_is_asked_for() -> None:
    for name in sealane.reports.__all__:
        assert callable(getattr(sealane.reports, name)), name
    assert not hasattr(sealane.reports, "write_nothing")


def test_a_kind_of_result_has_one_definition() -> None:
    assert results.ResultKind is ResultKind
