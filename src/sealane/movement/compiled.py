"""How loops are compiled, and when compiled code that an earlier run kept may be used again.

numba keeps machine code in the package's own ``__pycache__``, else in the user's cache folder, else where
``NUMBA_CACHE_DIR`` says. Alone it takes kept code as good while the function's own file is unchanged, though other
files' functions and constants are compiled into it: after an upgrade an old formula would go on working inside a new
kernel. And where no such folder can be written, as in a container without a home, it refuses to work at all.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_PACKAGE = Path(__file__).parents[1]
_ROOMS = ("movement", "emissions", "inventory")  # where compiled code, and all that is compiled into it, is written


def _digest(rooms: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for room in rooms for path in (_PACKAGE / room).rglob("*.py")):
        digest.update(f"{path.relative_to(_PACKAGE)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def code_stamp() -> str:
    """SHA-256 of the source that compiled code is made of: of all files, as each may be compiled into another."""
    return _digest(_ROOMS)


@functools.cache
def _room_stamp(room: str) -> str:
    return _digest((room,))


def _stamp_of(function: Callable[..., Any]) -> str:
    """Stamp for a function: that of `code_stamp`, and of its own room where that is a later one."""
    path = Path(function.__code__.co_filename)
    if not path.is_relative_to(_PACKAGE) or path.relative_to(_PACKAGE).parts[0] in _ROOMS:
        return code_stamp()
    return f"{code_stamp()} {_room_stamp(path.relative_to(_PACKAGE).parts[0])}"


def njit(*, cache: bool, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function on its first call, as ``numba.njit``; keep the code where a folder for it can be written.

    Parameters
    ----------
    cache : keep the machine code for later runs.
    options : of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        if numba.config.DISABLE_JIT or not cache:
            return dispatcher
        try:
            dispatcher.enable_caching()
        except RuntimeError:  # no folder for it: compiled anew in every run, which only costs time
            return dispatcher
        # numba has no public way to say what else the code depends on; a test shows that this one works.
        dispatcher._cache._cache_file._source_stamp = _stamp_of(function)
        return dispatcher

    return decorate


# numba counts references to every array that a compiled function is handed, atomically, at every call; with a dozen
# arrays that takes longer than the work of one report. A function that only reads and writes what it is given needs
# no counting. The option turns numba's memory management off for it; one that allocates then fails to compile.
borrowing = njit(nogil=True, cache=True, _nrt=False)
