"""See that PostgreSQL's server is there for the tests of the node's database; install it where that is possible.

Without it the tests on PostgreSQL are reported as *not proven*; those on SQLite run all the same. The package's own
cluster is not started: the tests make theirs in a temporary folder.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "postgresql"


def has_server() -> bool:
    """Return whether a PostgreSQL server is installed where the tests look for it."""
    return shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def main() -> int:
    """Install PostgreSQL if it is missing and can be installed; never fails."""
    if has_server():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        sys.stdout.write(f"Installing {PACKAGE} for the tests of the node's database\n")
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)
        # No cluster of the package's own: this file is read by Debian's postgresql-common.
        settings = Path("/etc/postgresql-common/createcluster.conf")
        if not settings.exists():
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text("create_main_cluster = false\n")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", PACKAGE]
        command += ["-o", "Dpkg::Options::=--force-confold"]
        subprocess.run(command, capture_output=True, check=False, env=environment)
    if not has_server():
        sys.stdout.write(
            "PostgreSQL is missing: the tests that need it will be reported as not proven.\n"
            f"To prove them, install its server (Debian or Ubuntu: apt-get install {PACKAGE}).\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
