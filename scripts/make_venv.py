"""Make the virtual environment the project lives in, or say plainly what is missing.

Runs on the machine's own Python before anything is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = (3, 11)


def main() -> int:
    """Make the environment named on the command line."""
    folder = Path(sys.argv[1])
    version = tuple(sys.version_info)
    if version < NEEDED:
        found = sys.version.split()[0]
        sys.stderr.write(
            f"Sealane needs Python >= 3.11; {sys.executable} is {found}.\n"
            "Install a newer Python and call: make PYTHON=python3.12 <target>\n"
        )
        return 2
    python = folder / "bin" / "python"
    if python.exists() and _works(str(python), "-m", "pip", "--version"):
        return 0
    if _make(folder):
        return 0
    package = f"python{version[0]}.{version[1]}-venv"
    if shutil.which("apt-get") and os.geteuid() == 0:
        sys.stderr.write(f"Python's venv module is incomplete; installing {package}\n")
        _works("apt-get", "-qq", "update")
        _works("apt-get", "-qq", "install", "-y", package)
        if _make(folder):
            return 0
    shutil.rmtree(folder, ignore_errors=True)
    sys.stderr.write(
        f"A virtual environment could not be made with {sys.executable}.\n"
        f"On Debian or Ubuntu: apt-get install {package}. Elsewhere: install Python's venv and ensurepip.\n"
    )
    return 2


def _make(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return _works(sys.executable, "-m", "venv", str(folder))


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
