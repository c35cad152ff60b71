"""What is not documented fails: commands, options, columns, settings, exit codes; generated pages are current."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sealane.cli.main import EXIT_CODES
from sealane.inventory import schemas
from sealane.inventory.settings import Settings
from sealane.inventory.shore_power import SHORE_POWER_COLUMNS
from sealane.movement.positions import POSITION_COLUMNS
from sealane.movement.readers.registry import FORMATS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "scripts" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()


def reference(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    assert GENERATOR.NOTE in reference(name)
    assert reference(name) == GENERATOR.page_text(name), (
        f"docs/reference/{name} is not current: run `make docs-generate`"
    )


COMMANDS = dict(GENERATOR.commands())


def test_the_walk_finds_the_commands() -> None:
    assert {"sealane inventory", "sealane calls", "sealane explain", "sealane factors", "sealane sample"} <= set(
        COMMANDS
    )
    assert {"sealane agreement list", "sealane agreement show", "sealane calc emission-factor"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_appears(name: str) -> None:
    section = reference("cli.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert section
    assert COMMANDS[name].help, f"{name} says nothing about itself"
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name} {parameter.name} has no help"
        wanted = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
        for word in wanted:
            assert f"`{word}".replace("|", "\\|") in section, f"{name}: {word}"


@pytest.mark.parametrize("table", GENERATOR.tables(), ids=lambda table: table.file)
def test_every_column_appears_with_a_meaning(table: schemas.TableSpec) -> None:
    section = reference("columns.md").partition(f"\n## {table.file}\n")[2].partition("\n## ")[0]
    for name, column in table.columns.items():
        assert column.meaning
        assert f"| `{name}` |" in section


def test_every_position_column_appears() -> None:
    section = reference("columns.md").partition("\n## Positions\n")[2].partition("\n## ")[0]
    for name, (_, _, meaning) in POSITION_COLUMNS.items():
        assert meaning
        assert f"| `{name}` |" in section


def test_the_columns_the_main_job_promises_are_documented() -> None:
    promised = {
        "calls.parquet": "call_id mmsi imo vessel_name ship_class port arrival departure berth_h anchorage_h "
        "manoeuvring_h transit_h shifts confidence",
        "activity.parquet": "mmsi call_id hour mode zone evidence hours distance_nm main_kwh aux_kwh boiler_kwh",
        "inventory.parquet": "call_id mmsi mode source zone pollutant grams basis",
    }
    tables = {table.file: table for table in GENERATOR.tables()}
    for file, columns in promised.items():
        assert set(columns.split()) <= set(tables[file].columns), file


def test_every_shore_power_column_appears() -> None:
    section = reference("columns.md").partition("\n## Shore power\n")[2].partition("\n## ")[0]
    for name, meaning in SHORE_POWER_COLUMNS.items():
        assert f"| `{name}` | {meaning} |" in section


def test_every_input_format_appears() -> None:
    page = (DOCS / "how-to" / "formats.md").read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"| `{name}` |" in page
        assert re.search(rf"--format NAME` \|.*\b{name}\b", reference("cli.md"))


def test_every_setting_appears_with_default_and_meaning() -> None:
    page = reference("settings.md")
    for group in dataclasses.fields(Settings):
        value = getattr(Settings(), group.name)
        for field in dataclasses.fields(value):
            row = re.search(rf"^\| `{field.name}` \| (.*?) \| (.+?) \|$", page, re.MULTILINE)
            assert row, f"{group.name}.{field.name}"
            assert row.group(1) == str(getattr(value, field.name))


def test_every_exit_code_appears() -> None:
    page = reference("exit-codes.md")
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_files_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    words = {name.split()[1] for name in COMMANDS if " " in name}
    for block in re.findall(r"`sealane ([a-z-]+)[^`]*`", text) + re.findall(
        r"^\$ sealane ([a-z-]+)", text, re.MULTILINE
    ):
        assert block in words, f"`sealane {block}` does not exist"
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        # The picture of the report is made by the lead of the reports and checked by the site's own build.
        if not target.startswith(("http://", "https://", "mailto:")) and not target.endswith("report.png"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_readme_opens_with_purpose_picture_and_the_two_commands() -> None:
    head = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20]
    text = "\n".join(head)
    assert "port calls and an emissions inventory" in text
    assert "docs/images/overview.png" in text
    assert re.search(r"^make demo", text, re.MULTILINE)
    assert re.search(r"^make test", text, re.MULTILINE)


def test_the_site_builds_strictly_and_needs_no_network(tmp_path: Path) -> None:
    mkdocs = Path(sys.executable).with_name("mkdocs")
    done = subprocess.run(
        [mkdocs, "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = list((tmp_path / "site").rglob("*.html"))
    assert len(built) > 10
    for page in built:
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page.read_text(encoding="utf-8")):
            away = re.search(r"(?:src|href)=[\"']?(?:https?:)?//", tag)
            assert not away or 'rel="canonical"' in tag, f"{page.name}: {tag}"
