"""California At-Berth rule on one port call: in scope or not, hours to be controlled, hours controlled.

California Air Resources Board, 2020 At Berth Regulation, 17 CCR 93130 to 93130.22. A ship in scope must be connected to
shore power, or another approved control, from two hours after *Ready to Work* to one hour before *Pilot on Board*. The
auxiliary engines of every vessel type with a control requirement count; tankers with steam-driven cargo pumps must
control their boilers too. Whether a terminal is one of low activity, or an exception was used, only the user knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table
from sealane.reference.ports import find_port

CONTROL_KINDS = ("shore_power", "other_control")
"""Shore power, with the auxiliary engines off, or another control strategy approved by CARB."""

EXCEPTIONS: Mapping[str, str] = {
    "vessel_incident": "17 CCR 93130.11: a Vessel Incident Event (VIE) of the fleet is used",
    "terminal_incident": "17 CCR 93130.11: a Terminal Incident Event (TIE) of the terminal is used",
    "commissioning": "17 CCR 93130.8(c): commissioning visit on which the ship connected",
    "safety_emergency": "17 CCR 93130.8(a): safety and emergency event",
    "remediation_fund": "17 CCR 93130.5(b)(3): the remediation fund is paid",
    "innovative_concept": "17 CCR 93130.5(b)(4): an approved innovative concept reduces emissions elsewhere",
}
"""Why a visit may be compliant without control; the user says so, since no data show it."""

POLLUTANTS = ("nox", "pm25", "hc")
"""What the rule limits; hydrocarbons stand for reactive organic gases, for which no factor is held."""

_LIMIT_ITEM: Mapping[str, str] = {"nox": "nox_limit", "pm25": "pm25_limit", "hc": "rog_limit"}


BAY_PORTS = ("USLAX", "USLGB")
# Clock of California on 1 January, the day every requirement begins on; a begin in summer would need its daylight time.
_CALIFORNIA_WINTER = timezone(timedelta(hours=-8))
"""The ports of row ``los-angeles-long-beach``."""


@dataclass(frozen=True)
class Control:
    """One period in which the ship's auxiliary engines were controlled; `kind` is one of `CONTROL_KINDS`."""

    start: datetime
    end: datetime
    kind: str = "shore_power"


@dataclass(frozen=True)
class BerthCall:
    """A call as the rule looks at it.

    Attributes
    ----------
    port : UN/LOCODE.
    ship_class : class as in EPA Table E.1; decides the vessel category.
    berth_start, berth_end : first all fast and last line let go, UTC.
    controls : periods of shore power or other control, in any order.
    ready_to_work, pilot_on_board : the rule's own events, UTC; where not given, begin and end at berth stand for them.
    low_activity : True where the terminal has few visits of this category (`is_low_activity`); None: not known, taken
        as no.
    exception : one of `EXCEPTIONS`, or None.
    """

    port: str
    ship_class: str
    berth_start: datetime
    berth_end: datetime
    controls: tuple[Control, ...] = ()
    ready_to_work: datetime | None = None
    pilot_on_board: datetime | None = None
    low_activity: bool | None = None
    exception: str | None = None


@dataclass(frozen=True)
class Scope:
    """Whether a call is in scope: ``control``, ``report`` or ``none``, why, and the row that says so."""

    requirement: str
    category: str
    reason: str
    rows: tuple[FactorRow, ...] = ()


@dataclass(frozen=True)
class AtBerthResult:
    """One call against the rule.

    Attributes
    ----------
    scope : requirement, category and reason.
    berth_h : hours at berth.
    required_h : hours that must be controlled; 0 out of scope.
    compliant_h : hours of them that were.
    controlled_h : hours at berth under any control, those outside the required period included.
    shore_power_h, other_control_h : parts of `controlled_h` by kind; where both ran, shore power counts.
    compliant : True or False in scope, None where the rule asks for no control.
    verdict : the answer in a sentence.
    notes : assumptions, first the ones that matter.
    """

    scope: Scope
    berth_h: float
    required_h: float
    compliant_h: float
    controlled_h: float
    shore_power_h: float
    other_control_h: float
    compliant: bool | None
    verdict: str
    notes: tuple[str, ...] = field(default=())

    @property
    def uncontrolled_h(self) -> float:
        """Hours at berth without any control."""
        return max(0.0, self.berth_h - self.controlled_h)


@cache
def limit(item: str) -> FactorRow:
    """A row of table ``at_berth_limits``."""
    return load_table("at_berth_limits").row(item)


def emission_limit(pollutant: str) -> FactorRow:
    """Performance standard [g/kWh] of an approved control other than shore power; ``hc`` takes that of ROG.

    Raises
    ------
    MissingFactorError
        for a pollutant the rule does not limit.
    """
    if pollutant not in _LIMIT_ITEM:
        raise MissingFactorError(f"The At-Berth rule has no standard for {pollutant}; it limits NOx, PM2.5 and ROG.")
    return limit(_LIMIT_ITEM[pollutant])


@cache
def is_californian(port: str) -> bool:
    """True if a port of the World Port Index lies in California.

    The index names no state: a port of the United States between the borders to Mexico and Oregon on the Pacific side
    is taken as Californian (rows of ``at_berth_limits``).

    Raises
    ------
    DataError
        if no port has this code.
    """
    known = find_port(port)
    if known is None:
        raise DataError(
            "The At-Berth rule cannot be applied.",
            [Fault("port", f"'{port}' is no known UN/LOCODE", "Give the UN/LOCODE of the port, e.g. USLAX")],
        )
    south, north, west, east = (limit(f"california_{side}").value for side in ("south", "north", "west", "east"))
    return known.country == "United States" and south <= known.lat <= north and west <= known.lon <= east


def category_of(ship_class: str) -> FactorRow:
    """Vessel category of an EPA ship class, with its row; column ``category`` may be ``none``.

    Raises
    ------
    MissingFactorError
        for a class that is not listed.
    """
    return load_table("at_berth_categories").row(ship_class)


def is_low_activity(visits: Mapping[int, int], year: int) -> bool:
    """Whether a terminal is one of low activity for a vessel category in a year, 17 CCR 93130.10(a).

    Parameters
    ----------
    visits : visits of the category to the terminal by calendar year, from 2021 to the year before `year`.
    year : 2023 or later.

    Returns
    -------
    True with fewer than 20 visits in both 2021 and 2022, until two years in a row have 20 or more; from the year
    after, and ever since, False.

    Raises
    ------
    DataError
        for a year before 2023, or years without a number of visits.
    """
    least, run = limit("low_activity_visits").value, int(limit("low_activity_years").value)
    first = limit("low_activity_visits").valid_from.year
    faults = []
    if year < first:
        faults.append(Fault("year", f"{year}", f"The rule begins in {first}"))
    missing = [y for y in range(first - run, year) if y not in visits]
    faults += [Fault(f"visits of {y}", "not given", "Give the visits of the category to the terminal") for y in missing]
    faults += [Fault(f"visits of {y}", f"{n}", "Give a whole number, 0 or more") for y, n in visits.items() if n < 0]
    if faults:
        raise DataError("The terminal's activity cannot be told.", faults)
    if any(visits[y] >= least for y in range(first - run, first)):
        return False
    return not any(all(visits[begin - back] >= least for back in range(1, run + 1)) for begin in range(first, year + 1))


def incident_events(visits: int, kind: str, year: int) -> tuple[int, FactorRow]:
    """Vessel or terminal incident events granted for a year, rounded to the nearest whole number.

    Parameters
    ----------
    visits : visits of the fleet to the port, or to the terminal, in the previous year.
    kind : ``vessel_incident`` or ``terminal_incident``.
    year : the year they are granted for; the shares held are those from 2025.

    Raises
    ------
    MissingFactorError
        before 2025.
    """
    table = load_table("at_berth_limits")
    row = table.row(f"{kind}_share", on=datetime(year, 12, 31, tzinfo=UTC).date())
    return int(visits * row.value / 100.0 + 0.5), row


def scope_of(call: BerthCall) -> Scope:
    """Whether the rule asks a call for control, for a report, or for nothing.

    Raises
    ------
    DataError
        for a port that is not known.
    MissingFactorError
        for a ship class that is not listed.
    """
    row = category_of(call.ship_class)
    category = row.text("category")
    if not is_californian(call.port):
        return Scope("none", category, f"{call.port} is no Californian port", (row,))
    if category == "none":
        why = row.text("note") or "no vessel type of the rule"
        return Scope("none", category, f"{call.ship_class}: {why}", (row,))
    day = call.berth_start.astimezone(_CALIFORNIA_WINTER).date()
    table = load_table("at_berth_start")
    bay = call.port.replace(" ", "").upper() in BAY_PORTS
    places = ("los-angeles-long-beach", "california") if bay else ("california",)
    rows = [table.row(category, place) for place in places if table.has(category, place)]
    bound = [found for found in rows if found.valid_from <= day]
    if not bound:
        first = min(rows, key=lambda found: found.valid_from)
        return Scope("none", category, f"control begins on {first.valid_from} for {category} here", (row, first))
    start = bound[0]
    section = start.text("section")
    if start.text("requirement") == "report":
        return Scope("report", category, f"{section}: visits are reported, no control is asked for", (row, start))
    if call.low_activity:
        activity = limit("low_activity_visits")
        reason = f"17 CCR 93130.10(a): terminal of low activity for {category}, visits are reported"
        return Scope("report", category, reason, (row, start, activity))
    return Scope("control", category, f"{section}: control since {start.valid_from}", (row, start))


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def _covered(periods: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> float:
    """Hours of ``[start, end)`` that the periods cover; overlaps count once."""
    covered = timedelta()
    reached = start
    for begin, finish in sorted(periods):
        since, until = max(begin, reached), min(finish, end)
        if until > since:
            covered += until - since
            reached = until
    return _hours(covered)


def _check(call: BerthCall) -> None:
    faults = []
    times = {
        "berth_start": call.berth_start,
        "berth_end": call.berth_end,
        "ready_to_work": call.ready_to_work,
        "pilot_on_board": call.pilot_on_board,
    }
    for number, control in enumerate(call.controls, start=1):
        times |= {f"control {number} start": control.start, f"control {number} end": control.end}
        if control.kind not in CONTROL_KINDS:
            remedy = f"Give one of: {', '.join(CONTROL_KINDS)}"
            faults.append(Fault(f"control {number} kind", f"'{control.kind}'", remedy))
    naive = [name for name, time in times.items() if time is not None and time.tzinfo is None]
    faults += [Fault(name, "a time without zone", "Give it in UTC") for name in naive]
    if not naive:  # times without zone cannot be compared
        if not call.berth_start < call.berth_end:
            faults.append(Fault("berth_end", f"{call.berth_end}", f"Give a time after {call.berth_start}"))
        for number, control in enumerate(call.controls, start=1):
            if not control.start < control.end:
                faults.append(Fault(f"control {number} end", f"{control.end}", f"Give a time after {control.start}"))
        for name in ("ready_to_work", "pilot_on_board"):
            time = times[name]
            if time is not None and not call.berth_start <= time <= call.berth_end:
                faults.append(Fault(name, f"{time}", "Give a time between begin and end at berth"))
    if call.exception is not None and call.exception not in EXCEPTIONS:
        faults.append(Fault("exception", f"'{call.exception}'", f"Give one of: {', '.join(EXCEPTIONS)}"))
    if faults:
        raise DataError("The call cannot be assessed against the At-Berth rule.", faults)


def assess_call(call: BerthCall) -> AtBerthResult:
    """Scope, hours and compliance of one call.

    Parameters
    ----------
    call : times in UTC. Hours under control before the ship is at berth or after do not count.

    Returns
    -------
    AtBerthResult
        ``required_h`` is the time from two hours after Ready to Work to one hour before Pilot on Board, 0 for a shorter
        stay. A call is compliant if every moment of it was controlled, or an exception was used.

    Raises
    ------
    DataError
        listing times that are out of order or without zone, unknown kinds of control, and an unknown port.
    MissingFactorError
        for a ship class that is not listed.

    Source: 17 CCR 93130.7, 93130.8, 93130.10, 93130.12(b)(2).
    """
    _check(call)
    scope = scope_of(call)
    connect, disconnect = limit("connect_within"), limit("disconnect_before")
    begin = (call.ready_to_work or call.berth_start) + timedelta(hours=connect.value)
    end = (call.pilot_on_board or call.berth_end) - timedelta(hours=disconnect.value)
    every = [(control.start, control.end) for control in call.controls]
    shore = [(c.start, c.end) for c in call.controls if c.kind == "shore_power"]
    controlled_h = _covered(every, call.berth_start, call.berth_end)
    shore_h = _covered(shore, call.berth_start, call.berth_end)
    in_scope = scope.requirement == "control"
    required_h = max(0.0, _hours(end - begin)) if in_scope else 0.0
    compliant_h = _covered(every, begin, end) if required_h > 0.0 else 0.0
    notes = []
    if call.ready_to_work is None or call.pilot_on_board is None:
        notes.append(
            "Begin and end at berth stand for Ready to Work and Pilot on Board (our assumption): the required period "
            "begins and ends slightly off the rule's."
        )
    if scope.requirement == "none" and scope_of(replace(call, berth_start=call.berth_end)).requirement != "none":
        notes.append(
            "The rule begins while the ship is at berth; the call is judged by the day it berthed (our reading)."
        )
    if in_scope and call.low_activity is None:
        notes.append("Whether the terminal has low activity is not known; it is taken as regulated.")
    if in_scope and scope.category == "tanker":
        notes.append(
            "Boilers of tankers with steam-driven cargo pumps must be controlled too; only engines are judged."
        )
    compliant, verdict = _verdict(call, scope, required_h, compliant_h)
    return AtBerthResult(
        scope=Scope(scope.requirement, scope.category, scope.reason, (*scope.rows, connect, disconnect)),
        berth_h=_hours(call.berth_end - call.berth_start),
        required_h=required_h,
        compliant_h=compliant_h,
        controlled_h=controlled_h,
        shore_power_h=shore_h,
        other_control_h=max(0.0, controlled_h - shore_h),
        compliant=compliant,
        verdict=verdict,
        notes=tuple(notes),
    )


_MICROSECOND_H = 1e-6 / 3600.0


def _verdict(call: BerthCall, scope: Scope, required_h: float, compliant_h: float) -> tuple[bool | None, str]:
    if scope.requirement != "control":
        return None, f"no control required: {scope.reason}"
    if required_h <= 0.0:
        return True, "compliant: the stay is too short for any hour to be controlled"
    if compliant_h >= required_h - _MICROSECOND_H:
        return True, "compliant: controlled throughout the required period"
    if call.exception is not None:
        return True, f"compliant by exception: {EXCEPTIONS[call.exception]}"
    return False, f"not compliant: {compliant_h:.2f} of {required_h:.2f} required hours controlled"
