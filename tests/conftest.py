"""What every test shares: checks a machine cannot make are reported as *not proven*, never as passed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import (  # fixtures are found by their names here
    database,
    database_kind,
    database_url,
    databases,
    postgresql_cluster,
    sqlite_template,
)

__all__ = ["database", "database_kind", "database_url", "databases", "postgresql_cluster", "sqlite_template"]

# No test may depend on how fast the machine is; compiled functions are slow on their first call.
settings.register_profile("sealane", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sealane")

NOT_PROVEN = "not proven: "


def missing_for_spark() -> str | None:
    """Say what the Spark engine's tests lack on this machine, or None."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed (pip install 'sealane[spark]')"
    java = shutil.which("java")
    if java is None:
        return "Java 17 is not installed"
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr)
    return None if found and int(found.group(1)) >= 17 else "Java is older than 17"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("spark")]
    reason = missing_for_spark() if marked else None
    for item in marked:
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=NOT_PROVEN + reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NOT_PROVEN in reason:
            terminalreporter.write_line(f"NOT PROVEN {report.nodeid}: {reason.split(NOT_PROVEN)[-1]}", yellow=True)
