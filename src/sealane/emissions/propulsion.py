"""Load and power of the main engine from speed and draught.

Two published laws: the Admiralty law of EPA-420-B-22-011 (method ``epa-2022``) and equation 8 of the Fourth IMO GHG
Study 2020 (method ``imo4-2020``). The constants below are repeated from table ``method_constants``, because compiled
functions cannot read tables; a test keeps both equal.
"""

from __future__ import annotations

import math

from sealane.movement.compiled import njit

SERVICE_TO_MAX_SPEED = 0.94
LOAD_FLOOR = 0.02
LOAD_CAP = 1.0
DRAUGHT_EXPONENT = 2.0 / 3.0
LOAD_SFC_QUADRATIC = 0.455
LOAD_SFC_LINEAR = -0.71
LOAD_SFC_CONSTANT = 1.28


@njit(nogil=True, cache=True)
def max_speed_from_service(service_speed_kn: float) -> float:
    """Maximum speed [kn] of a ship from its service speed [kn]: ``service / 0.94``.

    Source: EPA-420-B-22-011; USEPA Marine_Emissions_Tools.
    """
    return service_speed_kn / SERVICE_TO_MAX_SPEED


@njit(nogil=True, cache=True)
def draught_term(draught_m: float, max_draught_m: float) -> float:
    """Displacement correction ``(draught / max draught)^(2/3)`` [-]; 1 where either draught is unknown.

    Parameters
    ----------
    draught_m, max_draught_m : [m]; NaN, zero or negative means unknown.
    """
    if not (draught_m > 0.0 and max_draught_m > 0.0):
        return 1.0
    return (draught_m / max_draught_m) ** DRAUGHT_EXPONENT


@njit(nogil=True, cache=True)
def propulsion_load(
    speed_kn: float, max_speed_kn: float, sea_margin: float, draught_m: float, max_draught_m: float
) -> float:
    """Load of the main engine as a fraction of installed power, in ``[0, 1]``.

    ``min(1, max(0.02, (v / v_max)^3 (1 + SM) (d / d_max)^(2/3)))``; 0 at rest. Without a draught the third factor
    is 1, the plain propeller law.

    Parameters
    ----------
    speed_kn : speed [kn].
    max_speed_kn : maximum speed [kn], see `max_speed_from_service`; NaN comes out where it is unknown or not positive.
    sea_margin : fraction [-], 0.10 coastal, 0.15 at sea.
    draught_m, max_draught_m : [m]; NaN or <= 0 means unknown.

    Source: EPA-420-B-22-011 (engine operating power); Admiralty law, 2 % floor, 100 % cap.
    """
    if speed_kn <= 0.0:
        return 0.0
    if math.isnan(speed_kn) or not max_speed_kn > 0.0:
        return math.nan
    load = (speed_kn / max_speed_kn) ** 3 * (1.0 + sea_margin) * draught_term(draught_m, max_draught_m)
    return min(LOAD_CAP, max(LOAD_FLOOR, load))


@njit(nogil=True, cache=True)
def propulsion_power(
    installed_kw: float,
    speed_kn: float,
    max_speed_kn: float,
    sea_margin: float,
    draught_m: float,
    max_draught_m: float,
) -> float:
    """Propulsion power [kW]: installed power times `propulsion_load`.

    Source: EPA-420-B-22-011 (engine operating power).
    """
    return installed_kw * propulsion_load(speed_kn, max_speed_kn, sea_margin, draught_m, max_draught_m)


@njit(nogil=True, cache=True)
def imo4_propulsion_load(
    speed_kn: float,
    design_speed_kn: float,
    draught_m: float,
    design_draught_m: float,
    eta_w: float,
    eta_f: float,
    delta_w: float,
) -> float:
    """Load of the main engine by the Fourth IMO GHG Study as a fraction of installed power, in ``[0, 1]``.

    ``delta_w (d / d_d)^(2/3) (v / v_d)^3 / (eta_w eta_f)``, capped at 1; 0 at rest.
    Without a draught the draught term is 1.

    Parameters
    ----------
    speed_kn, design_speed_kn : [kn]; NaN comes out where the design speed is unknown or not positive.
    draught_m, design_draught_m : [m]; NaN or <= 0 means unknown.
    eta_w, eta_f, delta_w : weather, fouling and speed-power correction [-], table ``imo4_load_constants``.

    Source: Fourth IMO GHG Study 2020, equation 8.
    """
    if speed_kn <= 0.0:
        return 0.0
    if math.isnan(speed_kn) or not design_speed_kn > 0.0:
        return math.nan
    load = delta_w * draught_term(draught_m, design_draught_m) * (speed_kn / design_speed_kn) ** 3 / (eta_w * eta_f)
    return min(LOAD_CAP, load)


@njit(nogil=True, cache=True)
def load_based_sfc_factor(load: float) -> float:
    """Specific fuel consumption at a load relative to its baseline [-]: ``0.455 LF^2 - 0.71 LF + 1.28``.

    Parameters
    ----------
    load : fraction of installed power.

    Source: Jalkanen et al. 2012; Third and Fourth IMO GHG Study. Method ``imo4-2020`` only: in ``epa-2022`` the
    low-load adjustment of CO2 stands for the same effect.
    """
    return LOAD_SFC_QUADRATIC * load * load + LOAD_SFC_LINEAR * load + LOAD_SFC_CONSTANT
