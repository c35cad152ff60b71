"""The report of a lane, made from its result folder: what it emits, how sure that is, and how far to the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sealane.corridors.lanes.schemas import RULES, TABLES
from sealane.errors import DataError, Fault, Phrase
from sealane.reports import chart_canvas as canvas
from sealane.reports import commitments, corridor_page, lane_map, lane_words
from sealane.reports.banners import Banner
from sealane.reports.chart_bars import Part, ranked
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_years import Series, by_year
from sealane.reports.commitments import Promise
from sealane.reports.corridor_folder import ResultFolder, read_folder
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.figures import number, plural, share
from sealane.reports.lane_words import mass
from sealane.reports.tables import Column, Table

JSON = "lane.json"
RULE_WORDS = {
    "direct": "direct voyages only",
    "rotation": "all legs between the two ends",
    "cargo": "share of the cargo bound for the other end",
}
PARTS = {
    "sea": "at sea",
    "anchorage": "at anchor",
    "berth": "at berth",
    "manoeuvring": "manoeuvring",
    "drift": "adrift",
}
PLACES = {"sea": "at sea", "end_a": "port, end a", "end_b": "port, end b", "between": "ports between"}
_G_PER_T = 1e6


def write_lane_report(folder: Path) -> None:
    """Write report.html and report.xlsx into the result folder of ``sealane lane``.

    Parameters
    ----------
    folder : holds lane.json and the Parquet tables; the two report files in it are replaced.

    Raises
    ------
    DataError
        if files or columns are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    corridor_page.write_page(lane_page(read_lane_folder(folder)), folder)


def read_lane_folder(folder: Path) -> ResultFolder:
    """Read the folder of a lane."""
    needed = {name: spec.schema for name, spec in TABLES.items()}
    return read_folder(folder, JSON, needed, keys=("corridor", "attribution"))


def lane_page(found: ResultFolder, year: int | None = None, promised: Sequence[Promise] | None = None) -> Page:
    """The page of a lane; with a year the annual progress report of that year.

    Parameters
    ----------
    found : the folder.
    year : whose figures lead; None for the last year with enough data.
    promised : commitments of agreements, told in the report of a year; None where nobody gave them.

    Raises
    ------
    DataError
        if no leg of that year is in the data; the years there are are listed.
    """
    about = found.json
    rule = chosen_rule(found)
    simulated = is_simulated(found)
    trend = found.rows("trend")
    years = [r for r in trend if not r["quarter"]]
    if year is not None and year not in lane_years(found):
        known = ", ".join(map(str, lane_years(found)))
        remedy = Phrase("Use %(names)s", names=known) if known else Phrase("Use a folder with legs")
        title = f"{found.path}: there is no progress report of {year}."
        raise DataError(title, [Fault(f"year {year}", Phrase("no leg of it counts to the lane"), remedy)])
    latest = year if year is not None else leading_year(years, rule)
    now = {r["rule"]: r for r in years if r["year"] == latest}
    targets = found.rows("targets")
    corridor = corridor_of(found)
    sections = [
        _section("rules", "Three ways to attribute", _rules(now, rule, latest), (_RULES,)),
        _section("trend", "Trend and target", _trend(found, trend, targets, rule)),
        _section("where", "Where it is emitted", _where(found, rule, latest)),
        _section("legs", "Legs", lane_map.legs(found)),
        _section("ships", "Ships", _ships(found, rule)),
        _section("quality", "How sure this is", _quality(found)),
        *([commitments.section(promised)] if year is not None else []),
        _section("promises", "What the partners have said", _promises(corridor)),
        Section("tables", "Tables", sheets=tuple(corridor_page.raw_tables(found))),
    ]
    return Page(
        brand=f"Sealane · {'lane' if year is None else f'annual progress report {year}'} of a green shipping corridor",
        title=str(corridor.get("title") or "Lane"),
        code=str(corridor.get("id") or ""),
        facts=tuple(_facts(found, rule)),
        label="SIMULATED DATA" if simulated else "",
        banners=tuple(_banners(found, targets, simulated)),
        answers=tuple(_answers(found, now, rule, latest, targets)),
        tiles=tuple(_tiles(now, rule, latest)),
        sections=tuple(s for s in sections if s.blocks or s.words or s.sheets),
        provenance=about,
        files=tuple(f"{name}.parquet" for name in found.schemas),
    )


def lane_years(found: ResultFolder) -> list[int]:
    """Years of which the lane has legs, by the rule that counts."""
    rule = chosen_rule(found)
    return sorted({int(r["year"]) for r in found.rows("trend") if r["rule"] == rule and r["legs"] and not r["quarter"]})


def leading_year(years: list[dict[str, Any]], rule: str) -> int | None:
    """The last year with at least half as many legs as the fullest: data that end in January tell nothing of a year."""
    legs = {int(r["year"]): int(r["legs"] or 0) for r in years if r["rule"] == rule and r["legs"]}
    return max((y for y, n in legs.items() if 2 * n >= max(legs.values())), default=None)


def chosen_rule(found: ResultFolder) -> str:
    """The attribution rule that counts."""
    attribution = found.json["attribution"]
    rule = str(attribution.get("rule") if isinstance(attribution, dict) else attribution)
    if rule not in RULES:
        where = f"{found.path / JSON}, attribution, rule"
        raise DataError(
            f"{found.path}: no report can be made of this folder.",
            [Fault(where, rule, f"One of {', '.join(RULES)} is expected; run `sealane lane` again")],
        )
    return rule


def corridor_of(found: ResultFolder) -> dict[str, Any]:
    """The corridor document as the run noted it."""
    corridor = found.json.get("corridor")
    return corridor if isinstance(corridor, dict) else {}


def is_simulated(found: ResultFolder) -> bool:
    """True if the run says so or a ship's name does."""
    if "SIMULATED" in str(found.json.get("label") or ""):
        return True
    return bool(found.sql("SELECT 1 AS one FROM ships WHERE starts_with(upper(ship_name), 'SIMULATED') LIMIT 1"))


def _section(id_: str, title: str, blocks: Iterable[Chart | Table | None], words: Sequence[str] = ()) -> Section:
    shown = tuple(b for b in blocks if b is not None)
    return Section(id_, title, tuple(words) if shown else (), shown)


_RULES = (
    "Ships do not shuttle: a lane's share of what they emit depends on how it is attributed. Direct: only voyages "
    "without a call between the two ends. Rotation: every leg of a pass from one end to the other. Cargo: of each leg "
    "the share of the cargo that is bound from one end to the other; unknown where the cargo is not known."
)


def _facts(found: ResultFolder, rule: str) -> Iterable[tuple[str, str]]:
    corridor = corridor_of(found)
    for name in ("a", "b"):
        end = corridor.get(f"end_{name}")
        if isinstance(end, dict):
            yield f"End {name}", f"{end.get('name', '')} ({', '.join(map(str, end.get('ports', ())))})"
    if corridor.get("status"):
        yield "Corridor", str(corridor["status"])
    period = found.sql("SELECT min(departure) AS begin, max(arrival) AS until FROM legs")[0]
    if period["begin"] is not None and period["until"] is not None:
        yield "Data", f"{period['begin']:%Y-%m-%d} to {period['until']:%Y-%m-%d}, UTC"
    yield "Rule", f"{rule}: {RULE_WORDS[rule]}"
    request = dict(found.json.get("request") or {})
    for key, name in (("method", "Method"), ("gwp", "CO2e")):
        if request.get(key):
            yield name, str(request[key])


def _banners(found: ResultFolder, targets: list[dict[str, Any]], simulated: bool) -> Iterable[Banner]:
    if simulated:
        yield Banner("simulated", "SIMULATED DATA", "The figures describe no real ship, no real call and no real port.")
    if not found.count("passes"):
        yield Banner("empty", "No ship passed from one end to the other", "The lane is empty in these data.")
    unpriced = found.sql("SELECT count(*) AS n, count(DISTINCT ship) AS ships FROM legs WHERE wtw_co2e_g IS NULL")[0]
    if unpriced["n"]:
        text = f"{plural(unpriced['n'], 'leg')} of {plural(unpriced['ships'], 'ship')} could not be priced: "
        text += "particulars or distance are missing. They are in no total."
        yield Banner("missing", "Legs without emissions", text)
    no_class = found.sql("SELECT count(*) AS n FROM ships WHERE ship_class IS NULL OR particulars = 'none'")[0]["n"]
    if no_class:
        yield Banner(
            "missing", "Ships without particulars", f"{plural(no_class, 'ship')}: give their class with the calls."
        )
    if not targets:
        yield Banner("note", "No target published", "No partner has published a measured target; none is made up here.")
    notes = tuple(str(n) for n in found.json.get("notes") or () if "SIMULATED" not in str(n))
    if notes:
        yield Banner("note", "About this lane", "", notes)


def _answers(
    found: ResultFolder, now: dict[str, dict[str, Any]], rule: str, latest: int | None, targets: list[dict[str, Any]]
) -> Iterable[str]:
    row = now.get(rule)
    if row is None:
        yield "No leg of these data counts to the lane, so there is nothing to tell."
        return
    seen = row["observed_share"]
    if seen is not None:
        yield f"{share(seen)} of the lane's energy rests on observed or logged activity{lane_words.rest(seen)}."
    both = f"{mass(row['wtw_co2e_g'])} CO2e well-to-wake ({mass(row['ttw_co2e_g'])} tank-to-wake)"
    if row["wtw_co2e_g"] is None:
        yield f"By rule {rule}, which counts, the lane has no figure: nobody told the cargo on board."
    else:
        when = f"In {latest}{lane_words.part_of_year(found, rule, latest)}"
        yield f"{when} the lane emitted {both} by rule {rule}, {RULE_WORDS[rule]}."
    told = [r for r in RULES if r != rule and r in now and now[r]["wtw_co2e_g"] is not None]
    others = [f"{mass(now[r]['wtw_co2e_g'])} by rule {r}" for r in told]
    if others:
        yield f"The other rules give {' and '.join(others)}."
    if row["passes"]:
        yield (
            f"{plural(row['passes'], 'pass', 'passes')} from end to end by {plural(row['ships'], 'ship')}; "
            f"{row['direct_passes']:,} of them direct ({share(row['direct_passes'] / row['passes'])})."
        )
    by_cargo = now.get("cargo", {})
    parts = []
    if (per_teu := by_cargo.get("wtw_kg_per_teu")) is not None:
        parts.append(f"{number(per_teu)} kg CO2e per TEU carried from end to end")
    if (per_t_km := by_cargo.get("wtw_g_per_t_km")) is not None:
        parts.append(f"{number(per_t_km)} g per t·km")
    if parts:
        yield f"Where the cargo is known: {', '.join(parts)}, well-to-wake, by rule cargo."
    else:
        yield "The cargo is not known, so there is no figure per TEU or per t·km."
    yield from lane_words.distances(targets)


def _tiles(now: dict[str, dict[str, Any]], rule: str, latest: int | None) -> Iterable[Tile]:
    row = now.get(rule)
    if row is None:
        return
    per_t_km = now.get("cargo", {}).get("wtw_g_per_t_km")
    if row["observed_share"] is not None:
        yield Tile(
            "Observed", share(row["observed_share"]), "", (f"of the energy{lane_words.rest(row['observed_share'])}",)
        )
    if row["wtw_co2e_g"] is not None:
        amount, unit = mass(row["wtw_co2e_g"]).split(" ")
        yield Tile(f"CO2e well-to-wake, {latest}", amount, unit, (f"tank-to-wake {mass(row['ttw_co2e_g'])}",))
    if row["wtw_g_per_mj"] is not None:
        yield Tile("Intensity of the fuel", number(row["wtw_g_per_mj"]), "g/MJ", ("well-to-wake",))
    if per_t_km is not None:
        yield Tile("Per t·km", number(per_t_km), "g", ("well-to-wake, known cargo",))
    else:
        direct = f"{row['direct_passes']:,} direct"
        yield Tile(f"Passes, {latest}", number(row["passes"]), "", (direct,))


def _rules(now: dict[str, dict[str, Any]], rule: str, latest: int | None) -> Iterable[Chart | Table]:
    known = [r for r in RULES if r in now]
    if not known:
        return
    values = [now[r]["wtw_co2e_g"] for r in known]
    divisor, unit = canvas.fit_unit([None if v is None else v / _G_PER_T for v in values], canvas.MASS_T)
    parts = [
        Part(
            f"{r}: {RULE_WORDS[r]}" + (" (counts)" if r == rule else ""),
            (None if v is None else v / _G_PER_T / divisor,),
            "the rule the document names" if r == rule else "",
        )
        for r, v in zip(known, values, strict=True)
    ]
    yield ranked(f"CO2e well-to-wake by rule, {latest}", unit, ("CO2e",), parts, of="rule")
    yield Table(
        "Rules side by side",
        (
            Column("rule", width=14),
            Column("passes", "", "integer"),
            Column("legs", "", "integer"),
            Column("ships", "", "integer"),
            Column("distance", "nm", "number"),
            Column("energy", "TJ", "number"),
            Column("CO2e well-to-wake", "t", "number", 20),
            Column("CO2e tank-to-wake", "t", "number", 20),
            Column("NOx", "t", "number"),
            Column("SO2", "t", "number"),
            Column("PM2.5", "t", "number"),
            Column("per TEU", "kg", "number"),
            Column("per t·km", "g", "number"),
            Column("observed", "", "share"),
        ),
        [
            (
                r,
                now[r]["direct_passes" if r == "direct" else "passes"],
                *(now[r][name] for name in ("legs", "ships", "distance_nm")),
                _over(now[r]["energy_mj"], 1e6),
                *(_over(now[r][f"{name}_g"], _G_PER_T) for name in ("wtw_co2e", "ttw_co2e", "nox", "so2", "pm25")),
                *(now[r][name] for name in ("wtw_kg_per_teu", "wtw_g_per_t_km", "observed_share")),
            )
            for r in known
        ],
    )


def _over(value: float | None, divisor: float) -> float | None:
    return None if value is None else value / divisor


def _trend(
    found: ResultFolder, trend: list[dict[str, Any]], targets: list[dict[str, Any]], rule: str
) -> Iterable[Chart | Table]:
    sums = found.sql(
        f"""SELECT year, quarter, part, sum(wtw_co2e_g) / 1e6 AS t FROM totals WHERE rule = '{rule}'
            GROUP BY ALL ORDER BY ALL"""
    )
    by_time: dict[str, dict[str, float]] = {}
    whole = len({s["year"] for s in sums}) > 3
    for s in sums:
        period = str(s["year"]) if whole else f"{s['year']}-Q{s['quarter']}"
        cell = by_time.setdefault(period, {})
        cell[s["part"]] = cell.get(s["part"], 0.0) + (s["t"] or 0.0)
    if by_time:
        periods = sorted(by_time)
        divisor, unit = canvas.fit_unit([sum(v.values()) for v in by_time.values()], canvas.MASS_T)
        stacks = [
            Series(label, tuple(by_time[p].get(part, 0.0) / divisor for p in periods), k)
            for k, (part, label) in enumerate(PARTS.items())
            if any(by_time[p].get(part) for p in periods)
        ]
        note = "Time counts to the end of the leg or the call." + (
            "" if whole else " Quarters at either end may be partial."
        )
        step = "year" if whole else "quarter"
        yield by_year(f"CO2e well-to-wake by {step}", unit, periods, stacks=stacks, note=note, step_name=step)
    chosen = [r for r in trend if r["rule"] == "cargo"]
    intensity = [r for r in chosen if r["wtw_g_per_t_km"] is not None and bool(r["quarter"]) != whole]
    if len(intensity) > 1:
        values = tuple(r["wtw_g_per_t_km"] for r in intensity)
        steps = [str(r["period"]) for r in intensity]
        title = "CO2e per t·km where the cargo is known, well-to-wake"
        yield by_year(title, "g/(t·km)", steps, stacks=[Series("per t·km", values)], step_name="period")
    if targets:
        names = (
            "target",
            "year",
            "metric",
            "unit",
            "value",
            "baseline_year",
            "baseline",
            "latest_year",
            "actual",
            "gap",
        )
        number_names = {"value", "baseline", "actual", "gap"}
        columns = [Column(n.replace("_", " "), "", "number" if n in number_names else "text") for n in names]
        columns += [Column("state", width=24), Column("source", width=60)]
        rows = [
            (*(t[n] if n in number_names or t[n] is None else str(t[n]) for n in names), t["state"], t["source"])
            for t in targets
        ]
        yield Table("Targets", tuple(columns), rows)


def _where(found: ResultFolder, rule: str, latest: int | None) -> Iterable[Chart]:
    if latest is None:
        return
    for by, title, names in (
        ("place", "By place", PLACES),
        ("part", "By what the ship does", PARTS),
        ("ship_class", "By ship class", {}),
        ("fuel", "By fuel", {}),
    ):
        rows = found.sql(
            f"""SELECT {by} AS name, sum(wtw_co2e_g) / 1e6 AS wtw, sum(ttw_co2e_g) / 1e6 AS ttw FROM totals
                WHERE rule = '{rule}' AND year = {int(latest)} GROUP BY ALL ORDER BY wtw DESC NULLS LAST, name"""
        )
        divisor, unit = canvas.fit_unit([r["wtw"] for r in rows], canvas.MASS_T)
        parts = [
            Part(
                dict(names).get(r["name"], str(r["name"] or "not known")),
                (_over(r["ttw"], divisor), _over(None if r["wtw"] is None else r["wtw"] - (r["ttw"] or 0.0), divisor)),
            )
            for r in rows
        ]
        if parts:
            total = sum(r["wtw"] or 0.0 for r in rows)
            first = parts[0].label
            finding = f"Largest: {first}, {share((rows[0]['wtw'] or 0.0) / total)}." if total else ""
            series = ("burning the fuel (tank-to-wake)", "making it (well-to-tank)")
            yield ranked(f"{title}, CO2e in {latest}", unit, series, parts, of=by.replace("_", " "), finding=finding)


def _ships(found: ResultFolder, rule: str) -> Iterable[Table]:
    rows = found.sql(f"SELECT * FROM ships ORDER BY {rule}_wtw_co2e_g DESC NULLS LAST, ship LIMIT 5000")
    if rows:
        yield Table(
            "Ships of the lane",
            (
                Column("ship", width=26),
                Column("IMO", "", "id"),
                Column("class", width=20),
                Column("size class", width=18),
                Column("CO2e well-to-wake", "t", "number", 20),
                Column("energy", "TJ", "number"),
                Column("passes", "", "integer"),
                Column("direct", "", "integer"),
                Column("distance", "nm", "number"),
                Column("observed", "", "share"),
                Column("particulars", width=18),
                Column("grade", width=8),
            ),
            [
                (
                    r["ship_name"],
                    r["imo"],
                    r["ship_class"],
                    r["subtype"],
                    _over(r[f"{rule}_wtw_co2e_g"], _G_PER_T),
                    _over(r[f"{rule}_energy_mj"], 1e6),
                    r["passes"],
                    r["direct_passes"],
                    r["distance_nm"],
                    r["observed_share"],
                    r["particulars"],
                    r["grade"],
                )
                for r in rows
            ],
            f"By rule {rule}, heaviest first.",
        )


def _quality(found: ResultFolder) -> Iterable[Chart | Table]:
    sources = found.sql(
        """SELECT distance_source AS name, sum(distance_nm) AS nm, count(*) AS legs FROM legs
           GROUP BY ALL ORDER BY nm DESC NULLS LAST, name"""
    )
    if sources:
        parts = [
            Part(str(s["name"] or "unknown").replace("_", " "), (s["nm"],), plural(s["legs"], "leg")) for s in sources
        ]
        yield ranked("Where the miles of the legs come from", "nm", ("distance",), parts, of="source")
    grades = found.sql(
        """SELECT coalesce(grade, 'not priced') AS name, sum(wtw_co2e_g * share) / 1e6 AS t, count(*) AS n FROM
           (SELECT grade, wtw_co2e_g, share FROM legs UNION ALL SELECT grade, wtw_co2e_g, share FROM stays)
           GROUP BY ALL ORDER BY name"""
    )
    if grades:
        divisor, unit = canvas.fit_unit([g["t"] for g in grades], canvas.MASS_T)
        parts = [Part(f"grade {g['name']}", (_over(g["t"], divisor),), f"{g['n']:,} legs and stays") for g in grades]
        note = (
            "A, the agency's own data or two sources that agree; B, one source; C, third party; D, filled or assumed."
        )
        yield ranked("CO2e by the worst grade it rests on", unit, ("CO2e",), parts, of="grade", note=note)
    flags = found.sql(
        """SELECT flag, count(*) AS legs FROM (SELECT unnest(string_split(flags, ' ')) AS flag FROM legs)
           WHERE flag <> '' GROUP BY ALL ORDER BY legs DESC, flag"""
    )
    if flags:
        meanings = dict(dict(found.json.get("quality") or {}).get("flags") or {})
        rows = [
            (str(f["flag"]).replace("_", " "), f["legs"], dict(meanings.get(f["flag"]) or {}).get("meaning", ""))
            for f in flags
        ]
        columns = (Column("flag", width=34), Column("legs", "", "integer"), Column("meaning", width=80))
        yield Table("What is doubtful", columns, rows)


def _promises(corridor: dict[str, Any]) -> Iterable[Table]:
    partners = [p for p in corridor.get("partners") or () if isinstance(p, dict)]
    if partners:
        rows = [(p.get("name"), str(p.get("role", "")).replace("_", " "), p.get("source")) for p in partners]
        yield Table(
            "Partners", (Column("partner", width=28), Column("role", width=18), Column("source", width=80)), rows
        )
    said = [
        (kind, s.get("year"), s.get("item"), s.get("text"), s.get("source"))
        for kind, key in (("goal", "goals"), ("fact", "facts"))
        for s in corridor.get(key) or ()
        if isinstance(s, dict)
    ]
    if said:
        columns = (
            Column("kind", width=8),
            Column("year", "", "id", 8),
            Column("about", width=22),
            Column("what was said", width=90),
            Column("source", width=60),
        )
        yield Table("Goals and facts", columns, said)
