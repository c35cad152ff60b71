"""The truth of the SIMULATED Los Angeles week: where each ship is at every moment, her calls, hours and energy.

Nothing here uses the program's kernel: tracks are noise-free, time runs in steps of 5 s, and the published formulas
stand as plain NumPy expressions below. Stated choices of this truth:

* engines are off, as propulsion, while a ship lies at anchor or at berth;
* sea margin is the coastal one inside the port limit and the at-sea one outside;
* a berth's area is a circle of 250 m about its place; anchorages and the port limit are the shipped zones;
* a call runs from the first to the last moment inside the port limit, and needs at least one stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.errors import InputError
from sealane.movement.zones import Zone, ZoneSet
from sealane.reference import load_table
from sealane.samples.simulated_fleet import Plan, SimulatedShip
from sealane.samples.simulated_tracks import (
    F64,
    MS_PER_KN,
    STEP_S,
    Berth,
    Motion,
    Places,
    Point,
    course_deg,
    inside,
    join_paths,
    places,
    sail,
    to_point,
)

WEEK_S = 7 * 86_400.0
BERTH_RADIUS_M = 250.0
MODES = ("transit", "manoeuvring", "anchorage", "berth", "drift")
_TRANSIT, _MANOEUVRING, _ANCHORAGE, _BERTH, _DRIFT = range(5)
_STAY_H = {"container": (18.0, 52.0), "tanker": (16.0, 30.0), "dry": (18.0, 34.0), "cruise": (9.0, 14.0)}
_ANCHOR_H = (7.0, 36.0)


@dataclass(frozen=True)
class Stay:
    """A time at rest, in seconds of the week (it may begin before 0 or end after the week)."""

    kind: str  # anchorage or berth
    begin_s: float
    end_s: float
    point: Point
    heading_deg: float
    place: str


@dataclass(frozen=True)
class Truth:
    """One ship's week in steps of 5 s, shape ``(n,)``."""

    ship: SimulatedShip
    stays: tuple[Stay, ...]
    t_s: F64
    x: F64
    y: F64
    speed_kn: F64
    course_deg: F64
    heading_deg: F64
    draught_m: F64
    stay: NDArray[np.int8]  # number of the stay, -1 under way
    mode: NDArray[np.int8]
    main_kw: F64
    in_limit: NDArray[np.bool_]

    @property
    def call_steps(self) -> slice | None:
        """Steps of the ship's call, or None where she has none."""
        within = np.flatnonzero(self.in_limit)
        if not self.stays or len(within) == 0:
            return None
        return slice(int(within[0]), int(within[-1]) + 1)


def zone_polygons(zones: Iterable[Zone]) -> tuple[tuple[F64, ...], ...]:
    """Polygons of zones in local metres, each as its rings, for the even-odd test."""
    return tuple(
        tuple(np.array([to_point(lon, lat) for lon, lat in ring]) for ring in polygon)
        for zone in zones
        for polygon in zone.polygons
    )


class Traffic:
    """Plans ships one after the other so that no two share a berth or an anchoring place at one time."""

    def __init__(self, rng: np.random.Generator, zones: ZoneSet) -> None:
        self._rng = rng
        self._places: Places = places()
        self._limit = zone_polygons(zones.of_kind("port_limit"))
        self._anchorages = zone_polygons(zones.of_kind("anchorage"))
        # Large ships lie in the commercial anchorages; the others are for small craft or explosives.
        self._for_large_ships = zone_polygons(
            zone for zone in zones.of_kind("anchorage") if zone.name.startswith("Commercial")
        )
        self._taken: list[tuple[str, float, float]] = []
        self._slots: list[Point] = []

    def plan(self, ship: SimulatedShip) -> Truth:
        """Plan one ship's week and work out its truth; `InputError` where berths or anchorages are full."""
        for attempt in range(600):
            planned = self._try_plan(ship, any_berth=attempt > 200)
            if planned is not None:
                motions, stays = planned
                for stay in stays:
                    if stay.kind == "berth":
                        self._taken.append((stay.place, stay.begin_s - 3600, stay.end_s + 3600))
                return self._truth(ship, motions, stays)
        raise InputError(f"No free berth for {ship.name}: simulate fewer ships, or take another seed.")

    def _free_berth(self, kind: str, begin_s: float, end_s: float, not_this: str | None) -> Berth | None:
        free = [
            berth
            for berth in self._places.berths
            if kind in ("any", berth.ships)
            and berth.name != not_this
            and not any(name == berth.name and a < end_s and begin_s < b for name, a, b in self._taken)
        ]
        return free[int(self._rng.integers(len(free)))] if free else None

    def _slot(self) -> Point:
        """A place inside an anchorage, 450 m from its edge and 900 m from every other."""
        xy = np.vstack([ring for rings in self._for_large_ships for ring in rings])
        low, high = xy.min(axis=0), xy.max(axis=0)
        around = np.arange(8) * math.pi / 4
        for _ in range(20_000):
            x, y = self._rng.uniform(low, high)
            if any(math.hypot(x - s.x, y - s.y) < 900 for s in self._slots):
                continue
            if inside(x + 450 * np.cos(around), y + 450 * np.sin(around), self._for_large_ships).all():
                self._slots.append(Point(float(x), float(y)))
                return self._slots[-1]
        raise InputError("The anchorages are full: simulate fewer ships, or take another seed.")

    def _slot_path(self, slot: Point) -> tuple[Point, ...]:
        """Path from where the lanes meet; outside the breakwater directly, inside through the nearer gate."""
        angels, queens = self._places.gates["Angels Gate"], self._places.gates["Queens Gate"]
        west = slot.x < to_point(-118.188, 33.72).x
        if slot.y < to_point(-118.188, 33.7183).y:
            return (self._places.junction, slot) if west else (*queens[:2], slot)
        return (*angels, slot) if west else (*queens[:4], slot)

    def _try_plan(self, ship: SimulatedShip, any_berth: bool) -> tuple[list[tuple[float, Motion]], list[Stay]] | None:
        """Timed motions and stays, or None where a berth is not free at the time drawn."""
        rng, plan = self._rng, ship.plan
        kind = "any" if any_berth else ship.berth_kind
        motions: list[tuple[float, Motion]] = []
        stays: list[Stay] = []
        if plan is Plan.TRANSIT:
            motion = self._sail(ship, self._places.transit, 0.0, from_rest=False, to_rest=False)
            motions.append((float(rng.uniform(6, 140)) * 3600, motion))
            return motions, stays
        steps = {
            Plan.BERTH: "B",
            Plan.ANCHOR_BERTH: "AB",
            Plan.BERTH_BERTH: "BB",
            Plan.ANCHOR_BERTH_BERTH: "ABB",
            Plan.ANCHOR: "A",
            Plan.OPEN_START: "B",
            Plan.OPEN_START_ANCHOR: "AB",
            Plan.OPEN_END: "B",
            Plan.OPEN_END_ANCHOR: "A",
            Plan.OPEN_BOTH: "B",
        }[plan]
        starts_open = plan in (Plan.OPEN_START, Plan.OPEN_START_ANCHOR, Plan.OPEN_BOTH)
        ends_open = plan in (Plan.OPEN_END, Plan.OPEN_END_ANCHOR, Plan.OPEN_BOTH)
        latest_h = {"B": 110.0, "AB": 75.0, "BB": 75.0, "ABB": 50.0, "A": 105.0}[steps]
        clock = float(rng.uniform(92, 140) if ends_open else rng.uniform(1, latest_h)) * 3600
        path: tuple[Point, ...] | None = None  # from where the lanes meet to where the ship lies
        slots_before = len(self._slots)
        for number, step in enumerate(steps):
            low_h, high_h = _ANCHOR_H if step == "A" else _STAY_H[ship.berth_kind]
            hours = float(rng.uniform(low_h, high_h))
            if starts_open and number == 0:
                clock = -3600.0
                hours = float(rng.uniform(12, 48)) + 1
            stay_s = hours * 3600
            if ends_open and number == len(steps) - 1:
                stay_s = WEEK_S + 3600 - clock
            if step == "A":
                slot = self._slot()
                place, target, heading = "anchorage", self._slot_path(slot), 0.0
            else:
                berth = self._free_berth(kind, clock, clock + stay_s + 8 * 3600, stays[-1].place if stays else None)
                if berth is None:
                    del self._slots[slots_before:]
                    return None
                place, target, heading = berth.name, berth.path, berth.heading_deg
            if not (starts_open and number == 0):
                if path is None:
                    motion = self._sail(ship, (*self._places.inbound, *target[1:]), -1.0, from_rest=False, to_rest=True)
                else:
                    motion = self._sail(ship, join_paths(path, target), 0.0, from_rest=True, to_rest=True)
                motions.append((clock, motion))
                clock += float(motion.t_s[-1])
                if ends_open and number == len(steps) - 1:
                    stay_s = WEEK_S + 3600 - clock
            path = target
            kind_of_stay = "anchorage" if step == "A" else "berth"
            stays.append(Stay(kind_of_stay, clock, clock + stay_s, target[-1], heading, place))
            clock += stay_s
        if not ends_open and path is not None:
            outward = (*reversed(path), *self._places.outbound[1:])
            motions.append((clock, self._sail(ship, outward, 1.0, from_rest=True, to_rest=False)))
        return motions, stays

    def _sail(
        self, ship: SimulatedShip, path: tuple[Point, ...], direction: float, *, from_rest: bool, to_rest: bool
    ) -> Motion:
        """Sail a path: lane speed at sea, slower from the precautionary area on, slowest inside the breakwater.

        `direction` is -1 inbound, 1 outbound, 0 a shift or a passage.
        """
        approach = min(10.0, 0.5 * ship.max_speed_kn)
        harbour = min(6.5, 0.4 * ship.max_speed_kn)
        corners = np.array(path)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        total = float(along[-1])
        breakwater_y = to_point(-118.25, 33.7085).y
        behind = along[corners[:, 1] >= breakwater_y]
        junction = along[np.argmin(np.hypot(*(corners - self._places.junction).T))]
        if not from_rest and not to_rest:
            limits = [(total, ship.lane_speed_kn)]
        elif direction < 0:
            limits = [(total, ship.lane_speed_kn), (total - junction + 6000, approach)]
            if len(behind):
                limits.append((total - float(behind[0]), harbour))
        elif direction > 0:
            limits = [(total, harbour if len(behind) else approach)]
            if len(behind):
                limits.append((total - float(behind[-1]), approach))
            limits.append((total - junction - 6000, ship.lane_speed_kn))
        elif len(behind) and behind[0] > 0:  # a shift from an anchorage outside the breakwater
            limits = [(total, approach), (total - float(behind[0]), harbour)]
        else:
            limits = [(total, harbour if len(behind) else approach)]
        if to_rest:
            limits.append((500.0, 3.0))
        accel = float(self._rng.uniform(0.008, 0.02))
        return sail(path, tuple(limits), from_rest=from_rest, to_rest=to_rest, accel_ms2=accel)

    def _truth(self, ship: SimulatedShip, motions: list[tuple[float, Motion]], stays: list[Stay]) -> Truth:
        begins = [t for t, _ in motions] + [s.begin_s for s in stays]
        ends = [t + m.t_s[-1] for t, m in motions] + [s.end_s for s in stays]
        first = max(0.0, math.ceil(min(begins) / STEP_S) * STEP_S)
        last = min(WEEK_S, math.floor(max(ends) / STEP_S) * STEP_S)
        t_s = np.arange(first, last, STEP_S)
        x, y, speed = np.zeros(len(t_s)), np.zeros(len(t_s)), np.zeros(len(t_s))
        heading, draught = np.zeros(len(t_s)), np.full(len(t_s), ship.draught_in_m)
        stay_of = np.full(len(t_s), -1, np.int8)
        for number, stay in enumerate(stays):
            at = (t_s >= stay.begin_s) & (t_s < stay.end_s)
            stay_of[at] = number
            x[at], y[at] = stay.point
            heading[at] = stay.heading_deg
            if stay.kind == "anchorage":
                swing_x, swing_y, swing_heading = self._swing(t_s[at] - stay.begin_s, stay)
                x[at] += swing_x
                y[at] += swing_y
                heading[at] = swing_heading
            else:
                # Cargo is worked at berth: she leaves with another draught than she came with.
                draught[t_s >= (stay.begin_s + stay.end_s) / 2] = ship.draught_out_m
        for start, motion in motions:
            at = (t_s >= start) & (t_s < start + motion.t_s[-1]) & (stay_of < 0)
            x[at] = np.interp(t_s[at] - start, motion.t_s, motion.x)
            y[at] = np.interp(t_s[at] - start, motion.t_s, motion.y)
            speed[at] = np.interp(t_s[at] - start, motion.t_s, motion.speed_ms) / MS_PER_KN
            heading[at] = np.interp(t_s[at] - start, motion.t_s, np.unwrap(course_deg(motion.x, motion.y), period=360))
        in_limit = inside(x, y, self._limit)
        mode, main_kw = self._mode_and_power(ship, x, y, speed, draught, stay_of, in_limit)
        return Truth(
            ship=ship,
            stays=tuple(stays),
            t_s=t_s,
            x=x,
            y=y,
            speed_kn=speed,
            course_deg=heading % 360,
            heading_deg=heading % 360,
            draught_m=draught,
            stay=stay_of,
            mode=mode,
            main_kw=main_kw,
            in_limit=in_limit,
        )

    def _swing(self, since_s: F64, stay: Stay) -> tuple[F64, F64, F64]:
        """Offset of an anchored ship on her arc, and heading; she ends where she began, so that tracks join."""
        span = stay.end_s - stay.begin_s
        turns = max(1, round(span / 44_700))  # about one swing to and fro per tide of 12.4 h
        angle = math.radians(float(self._rng.uniform(40, 80))) * np.sin(2 * math.pi * turns * since_s / span)
        wind = float(self._rng.uniform(0, 2 * math.pi))
        radius = float(self._rng.uniform(120, 220))
        dx = radius * (np.sin(wind + angle) - math.sin(wind))
        dy = radius * (np.cos(wind + angle) - math.cos(wind))
        return dx, dy, np.degrees(wind + angle) + 180

    def _mode_and_power(
        self,
        ship: SimulatedShip,
        x: F64,
        y: F64,
        speed_kn: F64,
        draught_m: F64,
        stay_of: NDArray[np.int8],
        in_limit: NDArray[np.bool_],
    ) -> tuple[NDArray[np.int8], F64]:
        """Mode by the published rules, in their order, and propulsion power by the published propeller law."""
        coastal, at_sea = (load_table("sea_margin").row("epa-2022", p).value for p in ("coastal", "at_sea"))
        margin = np.where(in_limit, coastal, at_sea)
        law = (speed_kn / ship.max_speed_kn) ** 3 * (1 + margin) * (draught_m / ship.max_draught_m) ** (2 / 3)
        load = np.where(speed_kn > 0, np.clip(law, 0.02, 1.0), 0.0)
        at_anchorage = inside(x, y, self._anchorages) & (speed_kn <= 3)
        near = np.zeros(len(x), np.bool_)
        for berth in self._places.berths:
            near |= np.hypot(x - berth.point.x, y - berth.point.y) <= BERTH_RADIUS_M
        mode = np.select(
            [at_anchorage, near & (speed_kn <= 1), (speed_kn > 1) & (load <= 0.2), load > 0.2],
            [_ANCHORAGE, _BERTH, _MANOEUVRING, _TRANSIT],
            _DRIFT,
        ).astype(np.int8)
        return mode, np.where(stay_of >= 0, 0.0, load * ship.installed_kw)
