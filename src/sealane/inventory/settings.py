"""Every threshold of the main job in one frozen place, with its unit. The settings page is generated from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from sealane.emissions.layout import KernelLimits
from sealane.movement.cleaning import CleaningSettings
from sealane.movement.port_calls import PortCallSettings
from sealane.reference import load_table

_US_PER_MIN = 60_000_000
_US_PER_H = 3_600_000_000


@dataclass(frozen=True)
class ActivitySettings:
    """How reports become hours in a mode.

    Attributes
    ----------
    hold_min : a report's state holds until the next report, at most this long; longer silences are interpolated.
    anchorage_mode_kn : at most this fast in an anchorage, the mode is anchorage.
    berth_mode_kn : at most this fast at a berth, the mode is berth.
    slow_kn : above this speed a lightly loaded ship manoeuvres, below it drifts.
    rest_kn : at most this fast at anchor, the main engine is taken as off; at berth it always is.
    manoeuvring_load : highest load of the main engine that counts as manoeuvring.
    """

    hold_min: float = 10.0
    anchorage_mode_kn: float = 3.0
    berth_mode_kn: float = 1.0
    slow_kn: float = 1.0
    rest_kn: float = 1.0
    manoeuvring_load: float = 0.2


@dataclass(frozen=True)
class Settings:
    """All settings of the main job; see the three groups."""

    cleaning: CleaningSettings = field(default_factory=CleaningSettings)
    port_calls: PortCallSettings = field(default_factory=PortCallSettings)
    activity: ActivitySettings = field(default_factory=ActivitySettings)


def kernel_limits(
    settings: Settings,
    *,
    sea_margin_coastal: float,
    sea_margin_at_sea: float,
    low_load_limit: float,
    tier_fallback_load: float,
) -> KernelLimits:
    """Return the settings in the kernel's own units.

    Parameters
    ----------
    settings : thresholds.
    sea_margin_coastal, sea_margin_at_sea : fractions, from the reference tables.
    low_load_limit : load below which the low-load factors apply, from the reference tables.
    tier_fallback_load : load below which a Tier III main engine emits at Tier II, from the reference tables.
    """
    activity, calls = settings.activity, settings.port_calls
    return KernelLimits(
        hold_us=round(activity.hold_min * _US_PER_MIN),
        gap_us=round(calls.gap_limit_h * _US_PER_H),
        min_stop_us=round(calls.min_stop_min * _US_PER_MIN),
        exit_confirm_us=round(calls.exit_confirm_min * _US_PER_MIN),
        stop_dkn=round(calls.stop_speed_kn * 10),
        anchorage_exit_dkn=round(calls.anchorage_exit_kn * 10),
        berth_exit_dkn=round(calls.berth_exit_kn * 10),
        anchorage_mode_dkn=round(activity.anchorage_mode_kn * 10),
        berth_mode_dkn=round(activity.berth_mode_kn * 10),
        slow_dkn=round(activity.slow_kn * 10),
        rest_dkn=round(activity.rest_kn * 10),
        max_speed_dkn=round(settings.cleaning.max_speed_kn * 10),
        manoeuvring_load=activity.manoeuvring_load,
        sea_margin_coastal=sea_margin_coastal,
        sea_margin_at_sea=sea_margin_at_sea,
        low_load_limit=low_load_limit,
        tier_fallback_load=tier_fallback_load,
    )


def published_limits(settings: Settings) -> KernelLimits:
    """Return the settings with the margins and limits of load that EPA-420-B-22-011 publishes."""
    margins, constants = load_table("sea_margin"), load_table("method_constants")
    return kernel_limits(
        settings,
        sea_margin_coastal=margins.row("epa-2022", "coastal").value,
        sea_margin_at_sea=margins.row("epa-2022", "at_sea").value,
        low_load_limit=constants.row("epa-2022", "low_load_limit").value,
        tier_fallback_load=constants.row("epa-2022", "tier3_min_load").value,
    )
