"""How the kernel's numbers are laid out: modes, evidence, the arrays it takes and gives, the key of a load line."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]
I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]


class Mode(IntEnum):
    """Operating mode; the order is that of the hotel-load columns."""

    TRANSIT = 0
    MANOEUVRING = 1
    ANCHORAGE = 2
    BERTH = 3
    DRIFT = 4


class Evidence(IntEnum):
    """What decided the mode."""

    ZONE = 0  # a polygon given by the user or shipped
    LEARNT_ZONE = 1  # a polygon learnt from the data at hand
    STATUS = 2  # the reported navigational status
    MOTION = 3  # speed and load alone
    INTERPOLATED = 4  # nothing was reported for longer than the hold limit


MODE_NAMES = ("transit", "manoeuvring", "anchorage", "berth", "drift")
EVIDENCE_NAMES = ("zone", "learnt_zone", "status", "motion", "interpolated")
SOURCE_NAMES = ("main", "auxiliary", "boiler")
# What a line is priced for. The last one is the upstream part of well-to-wake CO2e.
PRICED = ("co2", "ch4", "n2o", "co2e", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc", "wtt_co2e")
N_PRICED = len(PRICED)

SPEED_BINS = 1024
CELLS_PER_DEG = 100
GRID_FIELDS = 3 + N_PRICED - 1  # µs, µWh of main, µWh of auxiliary and boiler, µg of each tank-to-wake pollutant
US_PER_HOUR = 3_600_000_000


class VesselArrays(NamedTuple):
    """Particulars of the vessels to be computed, ascending MMSI, shape ``(v,)`` unless said otherwise."""

    mmsi: I32
    installed_kw: F64
    max_speed_kn: F64  # method epa-2022: v_service / 0.94; imo4-2020: design speed
    max_draught_m: F64  # NaN unknown
    eta_w: F64  # imo4-2020 only
    eta_f: F64  # imo4-2020 only
    delta_w: F64  # imo4-2020 only
    low_load: U8  # 1 where the low-load factors apply (not with electric drive)
    aux_kw: F64  # (v, 5) by mode
    boiler_kw: F64  # (v, 5) by mode
    profile: I32  # row of FactorArrays


class FactorArrays(NamedTuple):
    """Emission factors [g/kWh] by engine profile and regime, without low-load adjustment; NaN where none exists."""

    main: F64  # (profiles, regimes, PRICED)
    main_low: F64  # the same below 25 % load, where a Tier III engine emits at Tier II
    auxiliary: F64
    boiler: F64
    sulphur_fraction: F64  # (profiles, regimes) of the main engine's fuel
    bc_exponent: F64  # (profiles, regimes) of the main engine's black carbon law, imo4-2020 only
    gwp: F64  # (2,) of CH4 and N2O
    llaf: F64  # (PRICED, 3) a, x, b of the low-load rate; NaN where none applies
    imo4: bool  # load-based consumption instead of the CO2 and SO2 low-load factors


class PlaceArrays(NamedTuple):
    """What the zones mean for calls and fuel rules."""

    port_of_zone: I32  # (zones,) number of the port a port limit belongs to, -1 for other kinds
    area_of_zone: I32  # (zones,) control area: 0 none, else its number
    learnt: U8  # (zones,) 1 where the zone was learnt from data
    call_port: int  # only this port's calls; -1 all
    period_start_us: I64  # (periods,) first moment of each period of the fuel rules
    regime: I32  # (areas, periods) row of FactorArrays


class KernelLimits(NamedTuple):
    """Thresholds in the kernel's own units; made by `sealane.inventory.settings`."""

    hold_us: int
    gap_us: int
    min_stop_us: int
    exit_confirm_us: int
    stop_dkn: int
    anchorage_exit_dkn: int
    berth_exit_dkn: int
    anchorage_mode_dkn: int
    berth_mode_dkn: int
    slow_dkn: int
    rest_dkn: int
    max_speed_dkn: int
    manoeuvring_load: float
    sea_margin_coastal: float
    sea_margin_at_sea: float
    low_load_limit: float
    tier_fallback_load: float


class ShoreArrays(NamedTuple):
    """Shore-power connections: ``offsets`` ``(v + 1,)`` into ``start_us``, ``end_us``, sorted within a vessel."""

    offsets: I64
    start_us: I64
    end_us: I64


# A line's key, from the highest bits: call + 1, mode, zone + 1, evidence, regime, coastal, shore, draught in 0.1 m.
_CALL_SHIFT, _MODE_SHIFT, _ZONE_SHIFT, EVIDENCE_SHIFT, _REGIME_SHIFT = 43, 40, 23, 20, 11
_COASTAL_SHIFT, SHORE_SHIFT = 10, 9
GROUP_SHIFT = _ZONE_SHIFT  # keys that agree above it share call, mode and zone


class LineKey(NamedTuple):
    """A line's key, taken apart; arrays of the same shape."""

    call: I64
    mode: I64
    zone: I64
    evidence: I64
    regime: I64
    coastal: I64
    shore: I64
    draught_dm: I64


@njit(nogil=True, cache=True)
def pack(call, mode, zone, evidence, regime, coastal, shore, draught_dm):
    return (
        ((call + 1) << _CALL_SHIFT)
        | (mode << _MODE_SHIFT)
        | ((zone + 1) << _ZONE_SHIFT)
        | (evidence << EVIDENCE_SHIFT)
        | (regime << _REGIME_SHIFT)
        | (coastal << _COASTAL_SHIFT)
        | (shore << SHORE_SHIFT)
        | draught_dm
    )


def unpack(key: I64) -> LineKey:
    """Take line keys apart."""
    return LineKey(
        call=(key >> _CALL_SHIFT) - 1,
        mode=(key >> _MODE_SHIFT) & 0x7,
        zone=((key >> _ZONE_SHIFT) & 0x1FFFF) - 1,
        evidence=(key >> EVIDENCE_SHIFT) & 0x7,
        regime=(key >> _REGIME_SHIFT) & 0x1FF,
        coastal=(key >> _COASTAL_SHIFT) & 1,
        shore=(key >> SHORE_SHIFT) & 1,
        draught_dm=key & 0x1FF,
    )
