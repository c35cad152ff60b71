"""See that Java 17 and Maven are there for the Dataspace Protocol's conformance kit; install them where possible.

Without them the kit's tests are reported as *not proven*; nothing else is touched.
"""

import os
import re
import shutil
import subprocess
import sys

PACKAGES = ("openjdk-17-jdk-headless", "maven")


def missing() -> str | None:
    """Say what the kit lacks on this machine, or None."""
    for name in ("java", "javac", "mvn"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    done = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"javac (\d+)", done.stdout + done.stderr)
    return None if found and int(found.group(1)) >= 17 else "Java is older than 17"


def main() -> int:
    """Install what is missing and can be installed; never fails."""
    if missing() is None:
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        sys.stdout.write(f"Installing {' and '.join(PACKAGES)} for the protocol's conformance kit\n")
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *PACKAGES]
        subprocess.run(command, capture_output=True, check=False, env=environment)
    if (reason := missing()) is not None:
        sys.stdout.write(
            f"{reason}: the protocol's conformance kit will be reported as not proven.\n"
            f"To prove it, install Java 17 and Maven (Debian or Ubuntu: apt-get install {' '.join(PACKAGES)}).\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
