"""See that a Chromium is there for the tests of the pages, with fonts that draw Japanese; install it where possible.

Without it the browser tests are reported as *not proven*; nothing else is touched.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-cjk")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    given = os.environ.get("CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)


def draws_japanese() -> bool:
    """Say whether a font with Japanese letters is installed."""
    if shutil.which("fc-list") is None:
        return False
    done = subprocess.run(["fc-list", ":lang=ja"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and bool(done.stdout.strip())


def main() -> int:
    """Install what is missing and can be installed; never fails."""
    if chromium() and draws_japanese():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        sys.stdout.write(f"Installing {', '.join(PACKAGES)} for the tests of the pages\n")
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *PACKAGES]
        subprocess.run(command, capture_output=True, check=False, env=environment)
    if not chromium():
        sys.stdout.write(
            "Chromium is missing: the tests of the pages will be reported as not proven.\n"
            f"To prove them, install it (Debian: apt-get install {' '.join(PACKAGES)}), or name one by CHROMIUM.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
