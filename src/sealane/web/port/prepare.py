"""Makes the indexes of kept inventories before anybody asks, and removes those of results that are gone."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from sealane.errors import SealaneError
from sealane.node.context import Node
from sealane.web.port.index import FOLDER, index_folder, index_of, is_indexed
from sealane.web.results import ResultKind, results

_LOG = logging.getLogger(__name__)
_ABANDONED_S = 3600.0
# Results whose files are damaged: told once in the log of this process, and again to whoever opens the page.
_failed: set[str] = set()


def prepare(node: Node) -> None:
    """Make what is missing, remove what is left over."""
    with node.database.read() as connection:
        kept = results(connection, node, kind=ResultKind.INVENTORY)
    for one in kept:
        if one.id in _failed or is_indexed(node, one):
            continue
        try:
            index_of(node, one)
        except SealaneError as error:
            _failed.add(one.id)
            _LOG.warning("a kept inventory cannot be shown: %s", error, extra={"result": one.id})
    folder = node.folder / FOLDER / "inventory"
    wanted = {index_folder(node, one).name for one in kept}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in wanted and not _is_being_made(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_being_made(path: Path) -> bool:
    try:
        return path.name.startswith(".") and time.time() - path.stat().st_mtime < _ABANDONED_S
    except FileNotFoundError:
        return True


JOBS = (("inventory-indexes", "task_period_s", prepare),)
