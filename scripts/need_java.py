"""See that Java 17 or newer is there for the Spark engine; install it where that is possible.

Without it the tests of the Spark engine are reported as *not proven*; nothing else is touched.
"""

import os
import re
import shutil
import subprocess
import sys

PACKAGE = "openjdk-17-jre-headless"


def java_version() -> int | None:
    """Return Java's major version, or None where there is no working Java."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java") or (shutil.which("java", path=f"{home}/bin") if home else None)
    if java is None:
        return None
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if done.returncode == 0 and found else None


def main() -> int:
    """Install Java if it is missing and can be installed; never fails."""
    if (java_version() or 0) >= 17:
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        sys.stdout.write(f"Installing {PACKAGE} for the Spark engine's tests\n")
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", PACKAGE]
        subprocess.run(command, capture_output=True, check=False, env=environment)
    if (java_version() or 0) < 17:
        sys.stdout.write(
            "Java 17 is missing: the Spark engine's tests will be reported as not proven.\n"
            f"To prove them, install Java 17 (Debian or Ubuntu: apt-get install {PACKAGE}).\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
