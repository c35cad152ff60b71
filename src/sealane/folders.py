"""A folder that appears whole or not at all, whatever happens to the process that fills it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sealane.errors import DataError, Fault, InputError

_LOCK = ".lock"
# A folder that has no lock yet belongs to a run that is just beginning, for so long.
_BEGINNING_S = 60.0
_NAME_CHARS = 64  # of the target in the temporary name, which may not be longer than the file system allows


@contextmanager
def whole_folder(target: Path, files: Collection[str] | None = None) -> Iterator[Path]:
    """A temporary folder beside `target`, which takes its place if all goes well and is gone if not.

    Each run holds a lock in its folder as long as it lives, which the system gives up when a process is killed. A
    folder whose lock can be had is therefore nobody's, and the next run of the same target removes it. An older target
    stays until the new one is complete.

    Parameters
    ----------
    target : the folder.
    files : names of what such a run may write; a target that holds anything else is refused, see `check_ours`. None:
        whoever calls has looked already, or made the target.

    Raises
    ------
    InputError
        where the target cannot be replaced: a mount point, the folder the process works in or one above it.
    DataError
        where it holds something that is not among `files`.
    """
    if files is not None:
        check_ours(target, files)
    target = target.resolve()  # a link to a folder stays a link
    _check_replaceable(target)
    made = _make_parents(target.parent)
    prefix = f".{target.name[:_NAME_CHARS]}.partial-"
    _remove_stale(target.parent, prefix)
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
        try:
            folder.chmod(0o777 & ~_umask())
            with (folder / f"{_LOCK}.new").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                (folder / f"{_LOCK}.new").rename(folder / _LOCK)  # it never stands there without being held
                yield folder
                (folder / _LOCK).unlink()
                _put_in_place(folder, target, prefix)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
        raise


def check_ours(target: Path, files: Collection[str]) -> None:
    """Refuse a folder that holds anything a run of this kind does not write, since it is replaced as a whole.

    Parameters
    ----------
    target : the folder a run is to write; it need not exist.
    files : names of what such a run writes. Its JSON file is how a run is known: a folder that holds a
        ``report.xlsx`` alone may be somebody's own.

    Raises
    ------
    DataError
        naming what else stands there.
    """
    if not target.exists():
        return
    where, remedy = str(target), "Name a new or an empty folder"
    if not target.is_dir():
        raise DataError("The results cannot be written.", [Fault(where, "exists and is no folder", remedy)])
    names = {path.name for path in target.iterdir()}
    marks = {name for name in files if name.endswith(".json")}
    foreign = sorted(names if marks and names.isdisjoint(marks) else names.difference(files))
    if foreign:
        found = f"holds what no such run wrote: {', '.join(foreign[:5])}{' …' if len(foreign) > 5 else ''}"
        raise DataError("The results cannot be written.", [Fault(where, found, remedy)])


def _check_replaceable(target: Path) -> None:
    if os.path.ismount(target):
        raise InputError(f"{target}: is a mount point, which cannot be replaced as a whole. Name a folder inside it.")
    if target.is_dir() and (Path.cwd() == target or target in Path.cwd().parents):
        raise InputError(f"{target}: is the folder you work in or one above it. Name a folder inside it.")


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder with its parents; return what was made, from the top."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _umask() -> int:
    # It can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _remove_stale(parent: Path, prefix: str) -> None:
    for stale in [path for path in parent.iterdir() if path.name.startswith(prefix)]:
        try:
            with (stale / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale, ignore_errors=True)
        except FileNotFoundError:
            with suppress(OSError):  # another run may remove it at the same moment
                if time.time() - stale.stat().st_mtime > _BEGINNING_S:
                    shutil.rmtree(stale, ignore_errors=True)
        except OSError:
            continue  # held by a run that lives, or another user's


def _put_in_place(folder: Path, target: Path, prefix: str) -> None:
    """Rename the complete folder to its name; an older one steps aside first and is then removed."""
    if not target.exists():
        folder.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    target.rename(aside / "old")
    try:
        folder.rename(target)
    except BaseException:
        if not target.exists():
            (aside / "old").rename(target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
