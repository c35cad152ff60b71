"""Where the files of uploads stand, under names of the node's own."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from sealane.node.context import Node

FOLDER = "imports"
CONTENT = "content"
REJECTS = "rejects.csv"
RECORDS = "records.bin"
_MAX_NAME = 80
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}$")


def folder_of(node: Node, import_id: str) -> Path:
    """Return the folder of an upload; the id comes from the database, which only holds ids of the node's making."""
    return node.folder / FOLDER / import_id


def content_of(node: Node, import_id: str) -> Path:
    """Return where the bytes received stand."""
    return folder_of(node, import_id) / CONTENT


def make_folder(node: Node, import_id: str) -> Path:
    """Make the folder of an upload, which only the node may enter."""
    folder = folder_of(node, import_id)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    os.close(os.open(folder / CONTENT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return folder


def remove_folder(node: Node, import_id: str) -> None:
    """Remove what an upload left on the disk."""
    shutil.rmtree(folder_of(node, import_id), ignore_errors=True)


def plain_name(file_name: str) -> str:
    """Return what a sender calls a file without any path and control characters, for people to read."""
    last = re.split(r"[/\\]", file_name)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:255] or "file"


def working_name(file_name: str, *, simulated: bool = False) -> str:
    """Return the name under which a child process sees a file.

    Letters, digits, dots, hyphens and underscores only, never a leading dot: results name their inputs by it, so it
    must be known again, and readers tell some forms by the suffix.
    """
    suffix = _SUFFIX.search(file_name)
    stem = file_name[: suffix.start()] if suffix else file_name
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_")[:_MAX_NAME] or "file"
    if simulated and "simulated" not in stem.lower():
        stem = f"SIMULATED_{stem}"
    return stem + (suffix.group().lower() if suffix else "")


def give(source: Path, folder: Path, name: str) -> str:
    """Put a file into the working folder of a task, without copying where the disk allows; return its name there."""
    target = folder / "in" / name
    number = 1
    while target.exists():
        number += 1
        target = folder / "in" / f"{number}_{name}"
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)
    return f"in/{target.name}"
