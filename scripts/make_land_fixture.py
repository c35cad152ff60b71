"""Make tests/golden/globe_land.npz: the coastline routes are held against, from another source than their network.

    pip download --no-deps global-land-mask==1.0.0 && unzip global_land_mask-1.0.0-py3-none-any.whl
    python scripts/make_land_fixture.py global_land_mask/globe_combined_mask_compressed.npz

The source is GLOBE 1.0 (Global Land One-kilometer Base Elevation; Hastings et al., NOAA National Geophysical Data
Center 1999; a work of the US government), whose cells without elevation are sea, as packed in PyPI global-land-mask
1.0.0 (MIT). Four cells of half a minute become one of a minute: land if at least two of them are. It was not used to
make the network, which comes from Natural Earth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "tests" / "golden" / "globe_land.npz"


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("mask", type=Path, help="globe_combined_mask_compressed.npz of global-land-mask 1.0.0")
    options = parser.parse_args()
    with np.load(options.mask) as file:
        land = ~file["mask"][::-1]  # the source runs from north to south and is true on the sea
    minutes = land.reshape(10800, 2, 21600, 2).sum(axis=(1, 3)) >= 2
    np.savez_compressed(OUT, land=np.packbits(minutes, axis=1))


if __name__ == "__main__":
    main()
