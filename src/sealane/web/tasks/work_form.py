"""What a child process is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealane.web.tasks.limits import Limits


@dataclass(frozen=True)
class Work:
    """One job of a child process.

    Attributes
    ----------
    job : one of ``sealane.web.tasks.child.JOBS``.
    arguments : paths in them are relative to the working folder.
    threads : it may use at once.
    """

    job: str
    arguments: Mapping[str, Any]
    limits: Limits
    threads: int = 1
