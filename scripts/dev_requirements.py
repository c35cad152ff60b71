"""Print what the tests and the documentation need, as pyproject.toml states it.

With --all also what users need and what builds the package: the whole list that is pinned.
pip learnt to read dependency groups late (25.1); a requirements file works with every pip.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print one requirement a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = list(project["dependency-groups"]["dev"])
    if "--all" in sys.argv[1:]:
        # What building an editable install takes is pinned as well; hatchling asks for editables only then.
        requirements += [*project["project"]["dependencies"], *project["build-system"]["requires"], "editables"]
    for extra in project["project"]["optional-dependencies"].values():
        requirements += extra
    sys.stdout.write("\n".join(sorted(set(requirements))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
