"""Makes the track layers of kept inventories before anybody opens a map, and removes those of results that are gone."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Sequence

from sealane.errors import SealaneError
from sealane.node.context import Node
from sealane.node.serve import keep_loaded
from sealane.web.results import FOLDER as RESULTS
from sealane.web.results import Result, ResultKind, results
from sealane.web.tiles import kept
from sealane.web.tiles.view import lane_lines

_LOG = logging.getLogger(__name__)
_WAIT_S = 3600.0
_warm = threading.Event()
# Results whose tracks are damaged: told once in the log of this process, and again to whoever opens the map.
_failed: set[str] = set()


def prepare(node: Node) -> None:
    """Make what is missing, remove what is left over; the first that finds any warms the process up."""
    with node.database.read() as connection:
        found = results(connection, node, kind=ResultKind.INVENTORY)
        lanes = results(connection, node, kind=ResultKind.LANE)
    if (found or lanes) and not _warm.is_set():
        _warm.set()
        # Beside the job: it holds nothing and loses nothing, so a node that is told to stop does not wait for it.
        threading.Thread(target=_warm_up, args=(lanes,), name="sealane-warm-up", daemon=True).start()
    for one in found:
        if one.id in _failed or not kept.has_tracks(one):
            continue
        try:
            kept.track_layer(node, one, _WAIT_S)
        except SealaneError as error:
            _failed.add(one.id)
            _LOG.warning("the tracks of a kept inventory cannot be drawn: %s", error, extra={"result": one.id})
    remove_left_over(node)


def _warm_up(lanes: Sequence[Result]) -> None:
    kept.warm_up()
    lane_lines(lanes)  # the first way over water of a process takes seconds, the next ones milliseconds
    keep_loaded()


def remove_left_over(node: Node) -> None:
    """Remove every layer whose result has no folder any more; layers are only a cache."""
    folder = node.folder / kept.FOLDER
    for layer in folder.iterdir() if folder.is_dir() else ():
        if not layer.name.startswith(".") and not (node.folder / RESULTS / layer.name).is_dir():
            shutil.rmtree(layer, ignore_errors=True)


JOBS = (("track-layers", "task_period_s", prepare),)
