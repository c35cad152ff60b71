"""The report of an arrival study: how long ships wait, what notice would save net, and who gains in the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sealane.corridors.arrival.schemas import TABLES
from sealane.reports import corridor_page
from sealane.reports.banners import Banner
from sealane.reports.chart_bars import Part, ranked
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_spread import cumulative, histogram
from sealane.reports.chart_years import Series, by_year
from sealane.reports.corridor_folder import ResultFolder, read_folder
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.figures import number, plural, share
from sealane.reports.tables import Column, Table

JSON = "arrival.json"
POLICIES = {
    "fcfs": "first come, first served",
    "slot": "berth booked on notice",
    "observed": "as observed",
}
BOUNDS = {
    "none": "all waiting became sailing",
    "no_wait": "the ship did not wait",
    "minimum_speed": "held at the least speed",
    "below_minimum": "the ship was slower already",
}
QUANTITIES = {
    "energy": "energy",
    "fuel": "fuel",
    "wtw_co2e": "CO2e well-to-wake",
    "ttw_co2e": "CO2e tank-to-wake",
    "nox": "NOx",
    "so2": "SO2",
    "pm25": "PM2.5",
    "waiting": "waiting at anchor",
}


def write_arrival_report(folder: Path) -> None:
    """Write report.html and report.xlsx into the result folder of ``sealane arrival``.

    Parameters
    ----------
    folder : holds arrival.json and the Parquet tables; the two report files in it are replaced.

    Raises
    ------
    DataError
        if files or columns are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    corridor_page.write_page(arrival_page(read_arrival_folder(folder)), folder)


def read_arrival_folder(folder: Path) -> ResultFolder:
    """Read the folder of an arrival study."""
    return read_folder(folder, JSON, {name: spec.schema for name, spec in TABLES.items()})


def arrival_page(found: ResultFolder) -> Page:
    """The page of an arrival study."""
    port = str(found.json.get("port", ""))
    simulated = is_simulated(found)
    summary = found.rows("summary")
    notices = sorted({str(r["notice"]) for r in summary}, key=_notice_order)
    sections = [
        _section("waiting", "How long ships wait", _waiting(found)),
        _section("notice", "What notice would save, net", _notice(found, summary, notices), (_NET,)),
        _section("published", "Beside the published study", _published(found)),
        _section("queue", "The queue, replayed", _queue(found), (_QUEUE,)),
        _section("left-out", "Calls left out", _left_out(found)),
        Section("tables", "Tables", sheets=tuple(corridor_page.raw_tables(found))),
    ]
    return Page(
        brand="Sealane · just-in-time arrival",
        title="Waiting at anchor, and what just-in-time arrival would save",
        code=port,
        facts=tuple(_facts(found, port)),
        label="SIMULATED DATA" if simulated else "",
        banners=tuple(_banners(found, simulated)),
        answers=tuple(_answers(found, summary, notices)),
        tiles=tuple(_tiles(found, summary, notices)),
        sections=tuple(s for s in sections if s.blocks or s.words or s.sheets),
        provenance=found.json,
        files=tuple(f"{name}.parquet" for name in found.schemas),
    )


_NET = (
    "With notice of the berth's time the waiting becomes slower sailing. Net: main engine work that is saved, less "
    "auxiliary and boiler work over the longer passage, no slower than the least speed of the engine. Gross: what is "
    "usually quoted, without these."
)
_QUEUE = (
    "The same ships and berth hours are replayed twice: first come, first served at the anchorage, and with the "
    "berth booked at the point of notice. Both serve the same calls with the same hours at berth; what changes is "
    "where a ship waits."
)


def is_simulated(found: ResultFolder) -> bool:
    """True if the study says so or a call of it is."""
    return bool(found.json.get("simulated")) or bool(
        found.sql("SELECT 1 AS one FROM approaches WHERE simulated LIMIT 1")
    )


def _section(id_: str, title: str, blocks: Iterable[Chart | Table | None], words: Sequence[str] = ()) -> Section:
    shown = tuple(b for b in blocks if b is not None)
    return Section(id_, title, tuple(words) if shown else (), shown)


def _notice_order(notice: str) -> tuple[int, float, str]:
    try:
        return 0, float(notice), notice
    except ValueError:
        return 1, 0.0, notice


def notice_words(notice: str) -> str:
    """A notice in words."""
    return "whole voyage" if notice == "voyage" else f"{notice} h of notice"


def _facts(found: ResultFolder, port: str) -> Iterable[tuple[str, str]]:
    if port:
        yield "Port", port
    period = found.sql("SELECT min(arrival) AS begin, max(arrival) AS until FROM approaches")[0]
    if period["begin"] is not None:
        yield "Arrivals", f"{period['begin']:%Y-%m-%d} to {period['until']:%Y-%m-%d}, UTC"
    for key, name in (("method", "Method"), ("gwp", "CO2e"), ("berths", "Berths")):
        if isinstance(found.json.get(key), str | int | float):
            yield name, str(found.json[key])


def _banners(found: ResultFolder, simulated: bool) -> Iterable[Banner]:
    if simulated:
        yield Banner("simulated", "SIMULATED DATA", "The figures describe no real ship, no real call and no real port.")
    judged, left = found.count("approaches"), found.count("left_out")
    if not judged:
        yield Banner("empty", "No call could be judged", "The reasons stand under calls left out.")
    elif left:
        yield Banner(
            "caution", "Calls left out", f"{left:,} of {judged + left:,} calls could not be judged; they are in no sum."
        )
    guessed = found.sql(
        """SELECT count(*) FILTER (speed_source = 'class') AS by_class, count(*) FILTER (distance_nm IS NULL) AS no_way,
                  count(*) AS n FROM approaches"""
    )[0]
    if guessed["by_class"]:
        text = f"For {guessed['by_class']:,} of {guessed['n']:,} calls the passage is not known; their speed is the "
        yield Banner("caution", "Assumed speeds", text + "usual one of the class (EPA transit speed ratio).")
    notes = tuple(str(n) for n in found.json.get("notes") or ())
    if notes:
        yield Banner("note", "About this study", "", notes)


def _pick(summary: list[dict[str, Any]], notice: str, quantity: str) -> dict[str, Any] | None:
    return next((r for r in summary if str(r["notice"]) == notice and r["quantity"] == quantity), None)


def _answers(found: ResultFolder, summary: list[dict[str, Any]], notices: Sequence[str]) -> Iterable[str]:
    waits = found.sql(
        """SELECT count(*) AS n, count(*) FILTER (wait_h > 0) AS waited, sum(wait_h) AS total,
                  median(wait_h) FILTER (wait_h > 0) AS half, max(wait_h) AS longest FROM approaches"""
    )[0]
    if not waits["n"]:
        yield "No call could be judged, so there is nothing to tell."
        return
    text = (
        f"{waits['waited']:,} of {plural(waits['n'], 'ship call')} waited at anchor, {number(waits['total'])} h in all"
    )
    if waits["half"] is not None:
        text += f"; half of those that waited lay {number(waits['half'])} h or longer, one {number(waits['longest'])} h"
    yield f"{text}."
    told = []
    for notice in notices:
        fuel, co2e = _pick(summary, notice, "fuel"), _pick(summary, notice, "wtw_co2e")
        if fuel is not None and fuel["before"]:
            part = f"{notice_words(notice)} saves {number(fuel['net_saved'])} t of fuel"
            part += f" ({share(fuel['net_saved'] / fuel['before'])})"
            if co2e is not None:
                part += f" and {number(co2e['net_saved'])} t CO2e"
            told.append(part)
    if told:
        yield f"Net of hotel load and least speed: {'; '.join(told)}."
    last = _pick(summary, notices[-1], "fuel") if notices else None
    if last is not None and last["gross_saved"]:
        kept = last["net_saved"] / last["gross_saved"]
        promised = f"{number(last['gross_saved'])} t at {notice_words(notices[-1])}"
        yield f"Quoted gross it would be {promised}: {share(max(kept, 0.0))} of that is left net."
    yield from _fair(found)


def _hours(value: float | None) -> str:
    return f"{number(value * 60.0)} min" if value is not None and abs(value) < 1.0 else f"{number(value)} h"


def _fair(found: ResultFolder) -> Iterable[str]:
    whole = {r["policy"]: r for r in found.rows("fairness") if r["carrier"] is None}
    if {"fcfs", "slot"} <= whole.keys():
        first, slot = whole["fcfs"], whole["slot"]
        text = f"Replayed, a call is delayed {_hours(first['mean_delay_h'])} on average, first come, first served, "
        text += f"and {_hours(slot['mean_delay_h'])} with berths booked on notice"
        if slot["overtaken"] is not None:
            text += f"; {plural(slot['overtaken'], 'call')} would be overtaken by a ship that is ready later"
        yield f"{text}."
    anchored = {
        r["policy"]: r["h"]
        for r in found.sql("SELECT policy, sum(anchorage_h) AS h FROM queue GROUP BY ALL ORDER BY policy")
    }
    if {"fcfs", "slot"} <= anchored.keys() and anchored["fcfs"]:
        moved = "fall" if anchored["slot"] < anchored["fcfs"] else "rise" if anchored["slot"] > anchored["fcfs"] else ""
        change = f"{moved} from {number(anchored['fcfs'])} to" if moved else "stay at"
        yield f"With booked berths the hours at anchor {change} {number(anchored['slot'])} in the replay."


def _tiles(found: ResultFolder, summary: list[dict[str, Any]], notices: Sequence[str]) -> Iterable[Tile]:
    waits = found.sql("SELECT count(*) AS n, avg(wait_h) AS mean, sum(wait_h) AS total FROM approaches")[0]
    yield Tile("Calls judged", number(waits["n"]), "", (f"{found.count('left_out'):,} left out",))
    if waits["mean"] is not None:
        yield Tile("Mean wait at anchor", number(waits["mean"]), "h", (f"{number(waits['total'])} h in all",))
    for notice in [n for n in ("24", "voyage") if n in notices] or list(notices[-1:]):
        fuel = _pick(summary, notice, "fuel")
        if fuel is not None:
            sub = "of the last stretch and the waiting"
            part = share(fuel["net_saved"] / fuel["before"]) if fuel["before"] else "–"
            yield Tile(f"Fuel saved net, {notice_words(notice)}", number(fuel["net_saved"]), "t", (f"{part} {sub}",))


def _waiting(found: ResultFolder) -> Iterable[Chart]:
    waits = [r["wait_h"] for r in found.sql("SELECT wait_h FROM approaches WHERE wait_h > 0 ORDER BY wait_h")]
    none = found.sql("SELECT count(*) AS n FROM approaches WHERE coalesce(wait_h, 0) <= 0")[0]["n"]
    if waits:
        note = f"{plural(none, 'call')} that did not wait {'is' if none == 1 else 'are'} not drawn."
        yield histogram("Waiting at anchor before the berth", "h", waits, of="calls", note=note)
    by_class = found.sql(
        """SELECT coalesce(ship_class, 'not known') AS name, sum(wait_h) AS h, count(*) AS n,
                  count(*) FILTER (wait_h > 0) AS waited FROM approaches
           GROUP BY ALL HAVING sum(wait_h) > 0 ORDER BY h DESC, name"""
    )
    if by_class:
        parts = [Part(r["name"], (r["h"],), f"{r['waited']:,} of {r['n']:,} calls waited") for r in by_class]
        yield ranked("Hours at anchor by ship class", "h", ("waiting",), parts, of="ship class")
    hours = found.sql(
        """SELECT date_trunc('day', hour) AS day, policy, avg(at_anchor) AS at_anchor FROM occupancy
           GROUP BY ALL ORDER BY ALL"""
    )
    days = sorted({r["day"] for r in hours})
    if 1 < len(days) <= 800:
        policies = [p for p in ("observed", "fcfs", "slot") if any(r["policy"] == p for r in hours)]
        cells = {(r["policy"], r["day"]): r["at_anchor"] for r in hours}
        lines = [Series(POLICIES[p], tuple(cells.get((p, day)) for day in days)) for p in policies]
        steps = [f"{day:%Y-%m-%d}" for day in days]
        note = "Mean over the hours of a day (UTC)."
        yield by_year("Ships at anchor", "ships", steps, lines=lines, note=note, step_name="day")


def _notice(found: ResultFolder, summary: list[dict[str, Any]], notices: Sequence[str]) -> Iterable[Chart | Table]:
    parts = []
    for notice in notices:
        row = _pick(summary, notice, "fuel")
        if row is not None and row["gross_saved"] is not None:
            net = row["net_saved"]
            parts.append(
                Part(notice_words(notice), (net, max(row["gross_saved"] - net, 0.0)), f"{row['calls']:,} calls")
            )
    if parts:
        series = ("saved net", "promised gross, but used up")
        note = "The figure at the end of a bar is the gross saving; its first piece is what remains."
        yield ranked("Fuel saved by notice", "t", series, parts, of="notice", note=note)
    if summary:
        rows = sorted(
            summary,
            key=lambda r: (
                _notice_order(str(r["notice"])),
                list(QUANTITIES).index(r["quantity"]) if r["quantity"] in QUANTITIES else 99,
            ),
        )
        yield Table(
            "Before and after",
            (
                Column("notice", width=18),
                Column("quantity", width=22),
                Column("unit", width=8),
                Column("without notice", "", "number", 16),
                Column("with notice", "", "number", 16),
                Column("saved net", "", "number"),
                Column("net share", "", "share"),
                Column("saved gross", "", "number"),
            ),
            [
                (
                    notice_words(str(r["notice"])),
                    QUANTITIES.get(r["quantity"], r["quantity"]),
                    r["unit"],
                    r["before"],
                    r["after"],
                    r["net_saved"],
                    r["net_saved"] / r["before"] if r["before"] and r["net_saved"] is not None else None,
                    r["gross_saved"],
                )
                for r in rows
            ],
        )
    bounds = found.sql("SELECT notice, bound, count(*) AS calls FROM savings GROUP BY ALL ORDER BY ALL")
    if bounds:
        kinds = [b for b in BOUNDS if any(r["bound"] == b for r in bounds)]
        cells = {(str(r["notice"]), r["bound"]): float(r["calls"]) for r in bounds}
        parts = [Part(notice_words(n), tuple(cells.get((n, b), 0.0) for b in kinds)) for n in notices]
        yield ranked("What ended the slowing", "calls", [BOUNDS[b] for b in kinds], parts, of="notice")


def _published(found: ResultFolder) -> Iterable[Chart | Table]:
    rows = sorted(found.rows("published"), key=lambda r: _notice_order(str(r["notice"])))
    if not rows:
        return
    steps = [notice_words(str(r["notice"])) for r in rows]
    names = (
        ("published mean", "published_pct"),
        ("ours, all voyages", "all_pct"),
        ("ours, those that waited", "waiting_pct"),
        ("ours, cubic law alone", "cubic_pct"),
    )
    parts = [
        Part(f"{steps[k]}: {label}", tuple(r[name] if n == at else None for n in range(len(names))))
        for k, r in enumerate(rows)
        for at, (label, name) in enumerate(names)
        if r[name] is not None
    ]
    note = "IMO GreenVoyage2050 study of container ships, AIS of 2019. A sanity band, not a target."
    yield ranked(
        "Mean fuel saved per voyage", "%", [label for label, _ in names], parts, of="figure", note=note, most=16
    )
    yield Table(
        "Published and ours",
        (
            Column("notice", width=18),
            *(Column(label, "%", "number", 18) for label, _ in names),
            Column("container voyages", "", "integer"),
            Column("of them waited", "", "integer"),
            Column("why ours differs", width=80),
        ),
        [
            (steps[k], *(r[name] for _, name in names), r["voyages"], r["waited"], r["explanation"])
            for k, r in enumerate(rows)
        ],
    )


def _queue(found: ResultFolder) -> Iterable[Chart | Table]:
    delays = found.sql("SELECT policy, delay_h FROM queue ORDER BY policy, delay_h")
    groups = [
        (POLICIES.get(p, p), [r["delay_h"] for r in delays if r["policy"] == p and r["delay_h"] is not None])
        for p in sorted({r["policy"] for r in delays})
    ]
    if groups:
        yield cumulative("Delay of a call in the replay", "h", groups, of="calls")
    where = found.sql(
        """SELECT policy, sum(anchorage_h) AS anchor, sum(slow_h) AS slow, sum(fuel_t) AS fuel FROM queue
           GROUP BY ALL ORDER BY policy"""
    )
    if where:
        parts = [
            Part(POLICIES.get(r["policy"], r["policy"]), (r["anchor"], r["slow"]), f"{number(r['fuel'])} t of fuel")
            for r in where
        ]
        yield ranked("Where the delay is spent", "h", ("at anchor", "sailing slower"), parts, of="policy")
    fairness = found.rows("fairness")
    if fairness:
        ordered = sorted(fairness, key=lambda r: (r["carrier"] is not None, r["carrier"] or "", r["policy"]))
        names = ("mean_delay_h", "median_delay_h", "p90_delay_h", "max_delay_h")
        yield Table(
            "Fairness",
            (
                Column("ships of", width=22),
                Column("policy", width=30),
                Column("calls", "", "integer"),
                Column("mean delay", "h", "number"),
                Column("median", "h", "number"),
                Column("90th percentile", "h", "number"),
                Column("longest", "h", "number"),
                Column("Gini", "0-1", "number"),
                Column("overtaken", "", "integer"),
                Column("served out of order", "", "share"),
            ),
            [
                (
                    "all ships" if r["carrier"] is None else r["carrier"],
                    POLICIES.get(r["policy"], r["policy"]),
                    r["calls"],
                    *(r[n] for n in names),
                    r["gini"],
                    r["overtaken"],
                    r["inversion_share"],
                )
                for r in ordered
            ],
            "Gini 0: all wait the same. Overtaken: a ship that was ready later came first at the same queue.",
        )
        yield from _gainers(fairness)


def _gainers(fairness: list[dict[str, Any]]) -> Iterable[Chart]:
    """Change of the mean delay by carrier from first come, first served to booked berths."""
    by = {(r["carrier"], r["policy"]): r for r in fairness if r["carrier"] is not None}
    parts = []
    for carrier in sorted({c for c, _ in by}):
        first, slot = by.get((carrier, "fcfs")), by.get((carrier, "slot"))
        if first and slot and None not in {first["mean_delay_h"], slot["mean_delay_h"]}:
            parts.append(
                Part(str(carrier), (slot["mean_delay_h"] - first["mean_delay_h"],), f"{first['calls']:,} calls")
            )
    if parts:
        parts.sort(key=lambda p: (p.values[0] or 0.0, p.label))
        finding = f"Gains most: {parts[0].label}." if (parts[0].values[0] or 0.0) < 0 else "No carrier waits less."
        yield ranked(
            "Change of the mean delay with booked berths", "h", ("change",), parts, of="carrier", finding=finding
        )


def _left_out(found: ResultFolder) -> Iterable[Table]:
    rows = found.sql(
        """SELECT reason, count(*) AS calls, min(call_id) AS example FROM left_out
           GROUP BY ALL ORDER BY calls DESC, reason"""
    )
    if rows:
        yield Table(
            "Why calls are left out",
            (Column("reason", width=80), Column("calls", "", "integer"), Column("for example", width=38)),
            [(r["reason"], r["calls"], r["example"]) for r in rows],
        )
