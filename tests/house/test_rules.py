"""Rules of the house that a machine can check: size, private places, versions, licences, import directions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".venv", ".venv-bench", "site", "build", "dist", "demo-out", "out", "node_modules"}
CACHES = ("cache", "__pycache__", ".hypothesis")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".csv", ".geojson", ".sh", ".html", ".cff", ""}


def files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part in SKIPPED or any(word in part for word in CACHES) for part in parts)
        if path.is_file() and not hidden and path.suffix in TEXT:
            yield path


# Spelt in pieces, so that this file is clean itself.
PRIVATE = re.compile(
    "|".join(
        (
            "/wo" + "rk/",
            r"\.\./sha" + "red",
            r"\.lib" + "rary",
            r"/tmp/(brief|house|bash_jobs)",
            "/ro" + "ot/",
            "pypi" + r"\.org",
            "pythonhost" + r"ed\.org",
            "registry" + r"\.npmjs",
            "index" + "-url",
            "find" + "-links",
        )
    )
)


def private_places(text: str) -> list[str]:
    return [match.group() for match in PRIVATE.finditer(text)]


def test_no_file_mentions_a_private_place_or_a_registry() -> None:
    found = {
        str(path.relative_to(ROOT)): places
        for path in files()
        if (places := private_places(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def test_the_search_for_private_places_can_fail() -> None:
    assert private_places("see /wo" + "rk/main and https://pypi" + ".org/simple")


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests", "scripts", "bench", "examples")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert len(lengths) > 20
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_every_module_says_what_it_is_for() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert path.read_text(encoding="utf-8").lstrip().startswith('"""'), path


def test_constraints_pin_by_name_and_version_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", pin) for pin in pins)
    assert len(pins) == len({_plain(pin.partition("==")[0]) for pin in pins})


def test_constraints_pin_everything_the_project_asks_for() -> None:
    pinned = {
        _plain(line.partition("==")[0]): line.partition("==")[2].strip()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    for requirement in requirements("dependencies", "optional", "dev", "build"):
        assert _plain(requirement.name) in pinned, requirement
        assert requirement.specifier.contains(pinned[_plain(requirement.name)]), requirement


def requirements(*groups: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = {
        "dependencies": project["project"]["dependencies"],
        "optional": [r for extra in project["project"]["optional-dependencies"].values() for r in extra],
        "dev": project["dependency-groups"]["dev"],
        "build": project["build-system"]["requires"],
    }
    return [Requirement(text) for group in groups for text in lists[group]]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(name: str) -> str:
    """Return everything a distribution says about its licence."""
    meta = metadata.metadata(name)
    said = [*(meta.get_all("License-Expression") or []), *(text[:200] for text in meta.get_all("License") or [])]
    said += [line for line in meta.get_all("Classifier") or [] if line.startswith("License ::")]
    return " | ".join(text for text in said if text)


def forbidden(licence: str) -> bool:
    """True for GPL and AGPL; the LGPL is allowed where the library is used unmodified."""
    without_lesser = re.sub(
        r"(?i)\bLGPL\S*|lesser general public licen[cs]e|library general public licen[cs]e", "", licence
    )
    return bool(re.search(r"(?i)\bA?GPL|general public licen[cs]e|affero", without_lesser))


IMPORT_NAMES = {"pyyaml": "yaml", "argon2-cffi": "argon2"}
LOADED_BY_NAME = {
    "psycopg": "postgresql+psycopg",  # SQLAlchemy loads the driver that the address names
    "python-multipart": "request.form(",  # Starlette reads forms with it
}


def never_imported(names: Iterable[str], sources: str) -> list[str]:
    modules = {name: IMPORT_NAMES.get(name, name).replace("-", "_") for name in names}
    imported = {name for name, module in modules.items() if re.search(rf"(?m)^\s*(import|from) {module}\b", sources)}
    imported |= {name for name, text in LOADED_BY_NAME.items() if text in sources}
    return [name for name in modules if name not in imported]


def test_users_install_nothing_that_is_not_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [Requirement(text).name for text in project["dependencies"]]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert never_imported(names, sources) == []
    assert never_imported([*names, "no_such_package"], sources) == ["no_such_package"]


def test_nothing_users_install_is_gpl() -> None:
    queue = [(r.name, r.extras) for r in requirements("dependencies", "optional")]
    seen: dict[str, str] = {}
    missing: set[str] = set()
    while queue:
        name, extras = queue.pop()
        if _plain(name) in seen:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            missing.add(_plain(name))
            continue
        seen[_plain(name)] = licence_of(name)
        for text in needs:
            need = Requirement(text)
            wanted = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
            if wanted:
                queue.append((need.name, need.extras))
    assert {name: licence for name, licence in seen.items() if forbidden(licence)} == {}
    assert {name for name, licence in seen.items() if not licence} == set()
    assert missing <= {_plain(r.name) for r in requirements("optional")} | {"py4j"}
    assert len(seen) > 20


@pytest.mark.parametrize(
    ("licence", "bad"),
    [
        ("GPL-3.0-or-later", True),
        ("License :: OSI Approved :: GNU Affero General Public License v3", True),
        ("GNU GPL", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Apache-2.0", False),
        ("MIT", False),
    ],
)
def test_the_licence_check_can_tell(licence: str, bad: bool) -> None:
    assert forbidden(licence) is bad


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_contract_can_fail(tmp_path: Path) -> None:
    package = tmp_path / "sealane"
    for name in ("", "cli", "reference"):
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").write_text("", encoding="utf-8")
    (package / "reference" / "loader.py").write_text("import sealane.cli\n", encoding="utf-8")
    contract = (
        "[importlinter]\nroot_package = sealane\n\n[importlinter:contract:1]\nname = up\ntype = layers\nlayers =\n"
    )
    (tmp_path / ".importlinter").write_text(contract + "    sealane.cli\n    sealane.reference\n", encoding="utf-8")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "sealane.reference" in done.stdout


def test_ci_runs_make_test() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_makefile_offers_what_the_readme_says() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("install", "demo", "test", "lint", "bench", "docs"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_notice_credits_the_sources() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for credit in ("Our World in Data", "Ember", "CC BY 4.0", "Natural Earth", "MarineCadastre", "World Port Index",
                   "Environmental Protection Agency"):  # fmt: skip
        assert credit in notice


def test_the_changelog_keeps_numbers_that_moved_apart() -> None:
    assert "### Numbers that moved" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
