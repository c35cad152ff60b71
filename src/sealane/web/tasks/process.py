"""Starts a child process, reads what it tells, and ends it: at its end, at a stop, at a cancel, at the time limit."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from sealane.web.tasks.limits import Limits, clean_environment

_MAX_LINE_BYTES = 4 << 20
_LOOK_S = 0.2
_LOG_TAIL_BYTES = 4_000


class End(StrEnum):
    """How a child ended."""

    DONE = "done"
    ERROR = "error"  # it said what is wrong
    KILLED = "killed"  # by a limit of the system, or by somebody
    TIMEOUT = "timeout"
    STOPPED = "stopped"  # because it was asked to


@dataclass(frozen=True)
class Outcome:
    """What became of a child.

    Attributes
    ----------
    done : what it returned.
    error : what it said is wrong: kind, title, faults, more.
    log : the end of what it printed as errors; for the node's log, never for a page.
    """

    end: End
    done: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    log: str = ""


def run_child(
    job: str,
    arguments: Mapping[str, Any],
    folder: Path,
    limits: Limits,
    *,
    threads: int = 1,
    progress: Callable[[str, int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run a job in a child process and wait for it.

    Parameters
    ----------
    job : one of ``sealane.web.tasks.child.JOBS``.
    arguments : what JSON can hold; paths are relative to `folder`.
    folder : where it works; all it writes stands there.
    threads : it may use at once.
    should_stop : asked several times a second; true ends the child and all it started.
    """
    log_path = folder / "child.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            # -I: neither the environment nor the working folder, which holds files from outside, gives it modules.
            [sys.executable, "-I", "-m", "sealane.web.tasks.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=clean_environment(dict(os.environ), str(folder), threads),
            start_new_session=True,
            close_fds=True,
        )
    told = {"job": job, "arguments": dict(arguments), "limits": limits.as_dict(), "parent": os.getpid()}
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it died at once; its end says so
            process.stdin.write(json.dumps(told).encode() + b"\n")
            process.stdin.flush()
        end, last = _follow(process, process.stdout, time.monotonic() + limits.wall_s, progress, should_stop)
    finally:
        _kill(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    tail = _tail(log_path)
    if end is not None:
        return Outcome(end, log=tail)
    if "done" in last:
        return Outcome(End.DONE, done=last["done"], log=tail)
    if "error" in last:
        return Outcome(End.ERROR, error=last["error"], log=tail)
    return Outcome(End.KILLED, log=f"{tail}\nreturn code {process.returncode}")


def _follow(
    process: subprocess.Popen[bytes],
    out: IO[bytes],
    until: float,
    progress: Callable[[str, int, int], None] | None,
    should_stop: Callable[[], bool],
) -> tuple[End | None, dict[str, Any]]:
    """Read lines until the child closes its output or must end; return why it had to, and its last word."""
    buffer = bytearray()
    last: dict[str, Any] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        while True:
            if time.monotonic() > until:
                return End.TIMEOUT, {}
            if should_stop():
                return End.STOPPED, {}
            if not selector.select(_LOOK_S):
                continue
            part = os.read(out.fileno(), 65_536)
            if not part:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                return None, last
            buffer += part
            if len(buffer) > _MAX_LINE_BYTES:
                return None, {}
            while (at := buffer.find(b"\n")) >= 0:
                said = _line(bytes(buffer[:at]))
                del buffer[: at + 1]
                if "progress" in said and progress is not None:
                    stage, done, total = said["progress"]
                    progress(str(stage), int(done), int(total))
                elif "done" in said or "error" in said:
                    last = said


def _line(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the child and everything it started; they are a process group of their own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace").strip()
    return ""
