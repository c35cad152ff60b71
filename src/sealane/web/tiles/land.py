"""The world's land, made into tiles when Sealane was built, and read from its package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sealane.errors import ReferenceDataError
from sealane.web.tiles.mercator import Tile

VENDOR = Path(__file__).parents[1] / "static" / "vendor"


@dataclass(frozen=True)
class Land:
    """All tiles in memory: less than 3 MB, and every map asks for them.

    Attributes
    ----------
    origin : where the outlines come from.
    max_zoom : the deepest zoom there are tiles of; a browser enlarges those beyond it.
    """

    origin: str
    max_zoom: int
    places: dict[str, tuple[int, int]]
    content: bytes

    def tile(self, tile: Tile) -> bytes:
        """A tile, gzipped; empty where all is sea."""
        offset, size = self.places.get(f"{tile.z}/{tile.x}/{tile.y}", (0, 0))
        return self.content[offset : offset + size]


@cache
def land(folder: Path = VENDOR) -> Land:
    """Read the tiles.

    Raises
    ------
    ReferenceDataError
        if they were not built: a wheel holds them, a source tree makes them with scripts/build_assets.py.
    """
    try:
        about = json.loads((folder / "land-tiles.json").read_text("utf-8"))
        content = (folder / "land-tiles.bin").read_bytes()
    except OSError as error:
        raise ReferenceDataError(
            f"The map's land is not there ({error.filename}). In a source tree call: python scripts/build_assets.py"
        ) from error
    places = {key: (offset, size) for key, (offset, size) in about["tiles"].items()}
    return Land(about["origin"], about["max_zoom"], places, content)
