"""Removes track layers of results that are gone; they are only a cache."""

from __future__ import annotations

import shutil

from sealane.node.context import Node
from sealane.web.results import FOLDER as RESULTS
from sealane.web.tiles.kept import FOLDER


def clean(node: Node) -> None:
    """Remove every layer whose result has no folder any more."""
    folder = node.folder / FOLDER
    for layer in folder.iterdir() if folder.is_dir() else ():
        if not layer.name.startswith(".") and not (node.folder / RESULTS / layer.name).is_dir():
            shutil.rmtree(layer, ignore_errors=True)


JOBS = (("map", "housekeeping_period_s", clean),)
