"""What a child process may use; it puts the limits on itself before it looks at anything from outside."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# Passed on to a child; nothing of the node's own settings, which hold passwords, is.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "NUMBA_CACHE_DIR")


@dataclass(frozen=True)
class Limits:
    """Limits of a child process.

    Attributes
    ----------
    memory_bytes : address space.
    cpu_s : processor time.
    wall_s : time until the parent ends it.
    file_bytes : longest file it may write.
    open_files : files open at once.
    """

    memory_bytes: int
    cpu_s: int
    wall_s: float
    file_bytes: int
    open_files: int

    def as_dict(self) -> dict[str, Any]:
        """Return what the child is told."""
        return asdict(self)


def put_on(limits: Limits) -> None:
    """Limit this process for good: hard limits cannot be raised again without rights the node has not."""
    for kind, wanted in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))
    # Beyond RLIMIT_FSIZE a write then fails with an error that can be told, instead of a signal that cannot.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_with_parent(parent: int) -> None:
    """End this process when its parent is gone: by the pipe it holds, which closes however the parent dies.

    The signal of the system at a parent's death is not enough: the parent can die before it is asked for, and other
    systems than Linux have none.
    """

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=watch, name="sealane-parent", daemon=True).start()


def clean_environment(environ: dict[str, str], folder: str, threads: int) -> dict[str, str]:
    """Return the environment of a child: no setting of the node, no home, its own folder for temporary files."""
    kept = {name: environ[name] for name in PASSED_ON if name in environ}
    # Each thread of these libraries reserves address space, which is limited.
    few = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return (
        kept
        | few
        | {
            "HOME": folder,
            "TMPDIR": folder,
            "NUMBA_NUM_THREADS": str(threads),
            "MALLOC_ARENA_MAX": "2",
        }
    )
