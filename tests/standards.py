"""Where the third-party specifications and messages lie; checks that need them are *not proven* without the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def standards_folder() -> Path:
    """Return the folder: SEALANE_STANDARDS, by default ``shared/standards`` beside the repository."""
    return Path(os.environ.get("SEALANE_STANDARDS") or ROOT.parent / "shared" / "standards")


def standard_file(*parts: str) -> Path:
    """Return a file of the folder; the test is not proven on a machine without it."""
    path = standards_folder().joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"not proven: {'/'.join(parts)} of the published standards is not here (SEALANE_STANDARDS)")
    return path
