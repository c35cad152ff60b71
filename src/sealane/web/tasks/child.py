"""The child process: ``python -m sealane.web.tasks.child``, told on standard input what to do.

It reads one line of JSON (job, arguments, limits, parent), puts the limits on, does the job in its working folder and
prints lines of JSON: ``{"progress": [stage, done, total]}`` and at the end ``{"done": ...}`` or ``{"error": ...}``.
Nothing is taken from the node's settings or its database; nothing but files in the folder is written.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from sealane.errors import DataError, Fault, Phrase, SealaneError, packed
from sealane.web.tasks.limits import Limits, end_with_parent, put_on

# job -> module and function; each takes (arguments, say) and returns what JSON can hold
JOBS = {
    "check": "sealane.web.imports.checks:check",
    "inventory": "sealane.web.tasks.work:inventory",
    "lane": "sealane.web.tasks.work:lane",
    "arrival": "sealane.web.tasks.work:arrival",
    "scenario": "sealane.web.tasks.work:scenario",
    "plan": "sealane.web.tasks.work:plan",
}
MAX_FAULTS = 1_000
FAULT = Phrase("A fault of the program; the node's log says more.")
_MEMORY = Phrase("It needs more memory than a task may use (task_memory_bytes).")
_PROGRESS_S = 0.2
Say = Callable[[str, int, int], None]


class Teller:
    """Prints progress, not oftener than a reader can follow."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._stage, self._told = out, "", 0.0

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage has come."""
        now = time.monotonic()
        if stage == self._stage and done < total and now - self._told < _PROGRESS_S:
            return
        self._stage, self._told = stage, now
        self.line({"progress": [stage[:60], int(done), int(total)]})

    def line(self, content: dict[str, Any]) -> None:
        """Print one line."""
        self._out.write(json.dumps(content, ensure_ascii=True, default=str) + "\n")
        self._out.flush()


def main() -> int:
    """Do what standard input says."""
    # What a library prints must not be taken for ours.
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65_536)
        if not part:
            return 1
        line += part
    told = json.loads(line)
    put_on(Limits(**told["limits"]))
    end_with_parent(told["parent"])
    teller = Teller(out)
    try:
        module, _, name = JOBS[told["job"]].partition(":")
        done = getattr(importlib.import_module(module), name)(told["arguments"], teller.progress)
        teller.line({"done": done})
    except MemoryError:
        teller.line({"error": error_of(_MEMORY, kind="memory")})
    except SealaneError as error:
        teller.line({"error": said(error)})
    except OSError as error:
        words = f"{Path(str(error.filename or '')).name or 'A file'}: {error.strerror or error}"
        teller.line({"error": error_of(words, kind="disk")})
    except Exception as error:
        traceback.print_exc()
        if _is_memory(error):
            teller.line({"error": error_of(_MEMORY, kind="memory")})
        else:
            teller.line({"error": error_of(FAULT, kind="fault")})
    return 0


def _is_memory(error: BaseException) -> bool:
    """Whether a library's own error means that no more memory could be had."""
    words = f"{type(error).__name__}: {error}".lower()
    marks = ("memory", "malloc", "realloc", "can't start new thread", "cannot allocate", "out of address")
    return any(mark in words for mark in marks)


def said(error: SealaneError) -> dict[str, Any]:
    """Return an error made on purpose as JSON: title and all its faults, up to `MAX_FAULTS`."""
    if isinstance(error, DataError):
        return error_of(error.title, error.faults, kind="input")
    return error_of(str(error), kind="input" if error.exit_code == 2 else "refused")


def error_of(title: str, faults: tuple[Fault, ...] = (), *, kind: str) -> dict[str, Any]:
    """Return an error as JSON, which does not forget how its words can be translated (`sealane.errors.packed`)."""
    shown = [
        {"where": f.where[:500], "found": _cut(f.found, 1000), "remedy": _cut(f.remedy, 500)}
        for f in faults[:MAX_FAULTS]
    ]
    return {"kind": kind, "title": _cut(title, 4000), "faults": shown, "more": max(0, len(faults) - MAX_FAULTS)}


def _cut(text: str, length: int) -> str | dict[str, Any]:
    return packed(text) if len(text) <= length else text[:length]


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads of libraries may hold an ordinary exit up, and everything is written
