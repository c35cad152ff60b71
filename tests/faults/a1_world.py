"""Generated clauses, records and requests that sit on the edges of each other's intervals; for rows A1 and A3."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sealane.agreements.clauses import (
    Clause,
    Granularity,
    Grouping,
    Period,
    Prohibition,
    Record,
    RowFilter,
    Terms,
)

DATASETS = ("port-calls", "container-milestones", "vessel-schedules")
PORTS = ("USLAX", "JPYOK", "JPNGO", "USOAK")
TERMINALS = ("T1", "T2", "T3")
VESSELS = ("9321483", "9074729", "9811000")
PURPOSES = ("berth-planning", "emission-inventory", "labour-tracking")
KEYS = ("a", "b", "ab", "c", "carrierCode", "vesselIMONumber", "d", "x-y", "@type")
ODD_KEYS = ("a.b", "", "a[]", "b c", 7)
Request = tuple[Terms, dt.datetime, str, Granularity]
TICK = dt.timedelta(microseconds=1)
STEPS = (dt.timedelta(0), TICK, -TICK, dt.timedelta(seconds=1), -dt.timedelta(seconds=1), dt.timedelta(hours=1))
FIRST, LAST = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)


def instant(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, us: int = 0
) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, second, us, tzinfo=dt.UTC)


# Leap days and the day after, ends of years, both changes of daylight saving in three zones (Lord Howe: 30 min).
LANDMARKS = (
    instant(2028, 2, 29),
    instant(2028, 3, 1),
    instant(2027, 2, 28, 23, 59, 59, 999_999),
    instant(2027, 1, 1),
    instant(2026, 3, 8, 10),
    instant(2026, 11, 1, 9),
    instant(2026, 3, 29, 1),
    instant(2026, 10, 25, 1),
    instant(2026, 4, 4, 15),
    instant(2026, 10, 3, 15, 30),
)
LATE = instant(2029, 6, 1)
RARE = (FIRST, LAST, instant(1969, 12, 31, 23, 59, 59, 999_999), instant(1970, 1, 1))
DELAYS = (
    dt.timedelta(0),
    TICK,
    dt.timedelta(minutes=15),
    dt.timedelta(hours=1),
    dt.timedelta(days=1),
    dt.timedelta(days=366),
    dt.timedelta(days=400_000),
    dt.timedelta.max,
)


def zones() -> list[dt.tzinfo]:
    """Return UTC, fixed offsets up to the most extreme, and zones with daylight saving where the machine has them."""
    found: list[dt.tzinfo] = [dt.UTC, dt.timezone(dt.timedelta(0), "Z")]
    found += [dt.timezone(sign * dt.timedelta(hours=23, minutes=59)) for sign in (1, -1)]
    found += [dt.timezone(dt.timedelta(hours=14)), dt.timezone(dt.timedelta(hours=-9, minutes=-30, seconds=-1))]
    for name in ("America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe"):
        try:
            found.append(ZoneInfo(name))
        except ZoneInfoNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class World:
    """Records, and the requests that are put to all of them."""

    records: tuple[Record, ...]
    requests: tuple[Request, ...]


class Maker:
    """Draws worlds; the same seed gives the same worlds."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.zones = zones()

    def worlds(self, records: int, requests: int) -> Iterator[World]:
        while True:
            # Few instants a world, so that edges of clauses and times of records meet exactly.
            times = [*self.draw.sample(LANDMARKS, 3), self.draw.choice(RARE)]
            made = tuple(self.record(number, times) for number in range(records))
            asked: list[Request] = []
            while len(asked) < requests:
                terms = self.terms(times, made)
                asked += [self.request(terms, times, made) for _ in range(4)]
            yield World(made, tuple(asked[:requests]))

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def time(self, times: list[dt.datetime]) -> dt.datetime:
        moment = self.draw.choice(times[:3] if self.chance(0.93) else times)
        return self.written(moved(moment, self.draw.choice(STEPS) if self.chance(0.6) else dt.timedelta(0)))

    def written(self, moment: dt.datetime) -> dt.datetime:
        """Return the same instant as a clock in some zone shows it."""
        try:
            return moment.astimezone(self.draw.choice(self.zones))
        except OverflowError:
            return moment

    def record(self, number: int, times: list[dt.datetime]) -> Record:
        draw = self.draw
        return Record(
            dataset=DATASETS[1] if self.chance(0.08) else DATASETS[0],
            id=f"r{number}",
            occurred_at=None if self.chance(0.12) else self.time(times),
            known_at=self.time(times),
            port=None if self.chance(0.12) else draw.choice(PORTS),
            terminal=None if self.chance(0.2) else draw.choice(TERMINALS),
            vessel_imo=None if self.chance(0.2) else draw.choice(VESSELS),
            body=self.body(),
        )

    def body(self) -> Any:
        if self.chance(0.01):
            return self.draw.choice(({}, [1, {"a": 2}], "text", None))
        found = self.mapping(0)
        if self.chance(0.02):
            deep: Any = {"a": 1}
            for _ in range(self.draw.choice((61, 62, 63, 64, 65, 80))):
                deep = {"a": deep} if self.chance(0.5) else [deep]
            found["a"] = deep
        return MappingProxyType(found) if self.chance(0.02) else found

    def mapping(self, depth: int) -> dict[Any, Any]:
        count = self.draw.randint(0 if depth else 1, 5)
        keys = self.draw.sample(KEYS, count) + ([self.draw.choice(ODD_KEYS)] if self.chance(0.04) else [])
        return {key: self.value(depth + 1) for key in keys}

    def value(self, depth: int) -> Any:
        kind = self.draw.random()
        if depth < 4 and kind < 0.25:
            return self.mapping(depth)
        if depth < 4 and kind < 0.42:
            return [self.value(depth + 1) for _ in range(self.draw.randint(0, 3))]
        return self.draw.choice(("text", "", 0, 1, -2.5, True, None, 10**20, "Nagoya", (1,), float("nan"), b"x"))

    def names(self, records: tuple[Record, ...], least: int, most: int) -> tuple[str, ...]:
        """Return names that fit the payloads, stand above their leaves, or miss by a list mark or a letter."""
        found: list[str] = []
        for _ in range(self.draw.randint(least, most)):
            steps = self.walk(self.draw.choice(records).body)
            if steps and self.chance(0.4):
                steps = steps[: self.draw.randint(1, len(steps))]
            name = ".".join(steps).replace(".[]", "[]")
            if self.chance(0.1):
                name = name.replace("[]", "") if "[]" in name else name + "[]"
            if name and self.chance(0.05):
                name += self.draw.choice((".b", "[].a") if name.endswith("]") else ("b", ".b", "[].a"))
            if name and not name.startswith(("[", ".")):
                found.append(name)
        return tuple(found)

    def walk(self, value: Any) -> list[str]:
        """Return the steps to some leaf, by keys that a name can express."""
        if isinstance(value, dict):
            keys = [key for key in value if isinstance(key, str) and key in KEYS]
            if keys:
                key = self.draw.choice(keys)
                return [key, *self.walk(value[key])]
        if isinstance(value, list) and value:
            return ["[]", *self.walk(self.draw.choice(value))]
        return []

    def some(self, values: tuple[str, ...], empty: float) -> frozenset[str]:
        if self.chance(empty):
            return frozenset()
        return frozenset(self.draw.sample(values, self.draw.randint(1, len(values))))

    def terms(self, times: list[dt.datetime], records: tuple[Record, ...]) -> Terms:
        draw = self.draw
        aggregate = self.chance(0.2)
        low, high = (None if self.chance(0.85) else self.time(times) for _ in range(2))
        every = tuple(key for key in KEYS if self.chance(0.9)) if self.chance(0.3) else ()
        clause = Clause(
            id=f"c{draw.randint(1, 9)}",
            provider="us",
            recipients=("them",),
            dataset=DATASETS[0] if self.chance(0.95) else DATASETS[1],
            fields=every or self.names(records, 0 if self.chance(0.05) else 2, 14),
            purposes=frozenset() if self.chance(0.02) else frozenset(draw.sample(PURPOSES, draw.randint(1, 3))),
            granularity=Granularity.AGGREGATE if aggregate else Granularity.RECORD,
            rows=RowFilter(self.some(PORTS, 0.7), self.some(TERMINALS, 0.85), self.some(VESSELS, 0.85), low, high),
            delay=draw.choice(DELAYS[:4] if self.chance(0.95) else DELAYS),
            valid_from=self.written(draw.choice(RARE[2:])) if self.chance(0.8) else self.time(times),
            valid_until=None if self.chance(0.8) else self.time(times),
            grouping=Grouping(("a",), (), Period.DAY, "b", 3) if aggregate else None,
        )
        prohibitions = tuple(
            Prohibition(
                f"p{number}",
                self.some(DATASETS, 0.95),
                self.names(records, 0, 3),
                self.some(PURPOSES[2:], 0.7),
                "a source",
            )
            for number in range(draw.choice((0, 0, 1, 2)))
        )
        return Terms("an-agreement", draw.randint(1, 3), clause, prohibitions)

    def request(self, terms: Terms, times: list[dt.datetime], records: tuple[Record, ...]) -> Request:
        """Ask at an edge of the clause or at the end of some record's delay, to the microsecond."""
        clause, edge = terms.clause, self.draw.random()
        now = LATE if self.chance(0.6) else self.time(times)
        if edge < 0.1:
            now = clause.valid_from
        elif edge < 0.3 and clause.valid_until is not None:
            now = clause.valid_until
        elif edge < 0.55:
            now = moved(self.draw.choice(records).known_at.astimezone(dt.UTC), clause.delay)
        now = self.written(moved(now.astimezone(dt.UTC), self.draw.choice(STEPS[:3])))
        granularity = Granularity.RECORD if self.chance(0.7) else Granularity.AGGREGATE
        agreed = sorted(clause.purposes) if self.chance(0.8) else []
        return terms, now, self.draw.choice(agreed or PURPOSES), granularity


def moved(moment: dt.datetime, by: dt.timedelta) -> dt.datetime:
    """Add within the calendar."""
    try:
        return moment + by
    except OverflowError:
        return moment
