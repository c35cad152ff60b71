"""What any batch needs beside the positions, and small helpers that turn its numbers into Arrow columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.emissions.layout import (
    US_PER_HOUR,
    FactorArrays,
    KernelLimits,
    PlaceArrays,
    ShoreArrays,
    VesselArrays,
)
from sealane.movement.zone_index import IndexArrays

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
_UTC = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class VesselLabels:
    """What the tables say of a vessel beside numbers; lists in the order of `VesselArrays`."""

    imo: list[int | None]
    name: list[str | None]
    ship_class: list[str | None]
    subtype: list[str | None]
    # Worst grade of a vessel's inputs by source (main, auxiliary, boiler), 0 for A to 3 for D; (v, 3).
    input_grade: NDArray[np.int8]
    # Worst grade of the factors by source and pollutant; (profiles, 3, PRICED).
    factor_grade: NDArray[np.int8]


@dataclass(frozen=True)
class Context:
    """All that the computation of any batch needs; picklable, so that it travels to Spark workers as it is."""

    index: IndexArrays
    places: PlaceArrays
    vessels: VesselArrays
    labels: VesselLabels
    factors: FactorArrays
    shore: ShoreArrays
    limits: KernelLimits
    zone_ids: list[str]
    port_codes: list[str]
    regime_names: list[str]
    learnt_zone: NDArray[np.uint8]
    shore_g_per_kwh: float  # grid's carbon intensity at the port; NaN where nobody is connected
    shore_grade: int  # its grade, 0 for A to 3 for D


def names_column(values: list[str], codes: NDArray[Any]) -> pa.Array:
    """Dictionary column from codes; negative codes are null."""
    mask = codes < 0
    indices = pa.array(np.where(mask, 0, codes).astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))


def time_column(us: I64, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """UTC times from microseconds, null where ``missing``."""
    return pa.array(us, pa.int64(), mask=missing).cast(_UTC)


def hours_of(us: I64) -> F64:
    """Hours from microseconds."""
    return us / US_PER_HOUR
