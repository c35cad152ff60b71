"""What a report leads with: headline figures, what to know before trusting them, and where emissions come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sealane.reference.ports import find_port
from sealane.reports.banners import Banner, banners, is_simulated
from sealane.reports.figures import day, share
from sealane.reports.results import Results

SOURCES = {"main": "Main engines", "auxiliary": "Auxiliary engines", "boiler": "Boilers", "shore_power": "Shore power"}
MODES = {
    "transit": "Transit",
    "manoeuvring": "Manoeuvring",
    "anchorage": "At anchor",
    "berth": "At berth",
    "drift": "Adrift",
}
POLLUTANTS = {
    "co2e": "CO2e",
    "co2e_wtw": "CO2e well-to-wake",
    "co2": "CO2",
    "ch4": "CH4",
    "n2o": "N2O",
    "nox": "NOx",
    "so2": "SO2",
    "pm10": "PM10",
    "pm25": "PM2.5",
    "dpm": "Diesel PM",
    "hc": "HC",
    "co": "CO",
    "bc": "Black carbon",
}
LEADING = (("co2e", "t"), ("nox", "t"), ("pm25", "kg"))
"""Pollutants of the breakdowns with the unit each is shown in."""
_ENERGY = {"main": "main_kwh", "auxiliary": "aux_kwh", "boiler": "boiler_kwh", "shore_power": "shore_kwh"}


@dataclass(frozen=True)
class Category:
    """A row of a breakdown.

    Attributes
    ----------
    name, label : key in the tables and words for the reader.
    hours, energy_kwh : vessel hours and work; None where they make no sense for the category.
    grams : mass by pollutant, tank-to-wake; ``co2e_wtw`` is CO2e well-to-wake.
    ships, calls : counts; None where not counted.
    """

    name: str
    label: str
    hours: float | None
    energy_kwh: float | None
    grams: dict[str, float]
    ships: int | None = None
    calls: int | None = None


@dataclass(frozen=True)
class Pollutant:
    """Totals of one pollutant; grams is None where no factor is published."""

    name: str
    label: str
    basis: str
    grams: float | None
    in_call_g: float | None
    filled_share: float | None
    remark: str


@dataclass(frozen=True)
class Summary:
    """Everything a report says before its tables."""

    port: str
    port_name: str
    begin: str
    end: str
    days: float
    simulated: bool
    empty: bool
    totals: dict[str, float]
    in_call: dict[str, float]
    wtw_g: float
    filled: dict[str, float]
    calls: int
    complete: int
    truncated: int
    ships: int
    banners: tuple[Banner, ...]
    pollutants: tuple[Pollutant, ...]
    by_source: tuple[Category, ...]
    by_mode: tuple[Category, ...]
    by_class: tuple[Category, ...]


def _sums(rows: Iterable[dict[str, Any]], key: str, value: str = "grams") -> dict[str, float]:
    sums: dict[str, float] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0.0) + row[value]
    return sums


def summarise(results: Results) -> Summary:
    """Work out what a report leads with.

    Parameters
    ----------
    results : of a finished run; masses in g, work in kWh, times UTC.
    """
    masses = [
        row if row["basis"] == "ttw" else row | {"pollutant": f"{row['pollutant']}_{row['basis']}"}
        for row in results.masses
    ]
    totals = _sums(masses, "pollutant")
    in_call = _sums((row for row in masses if row["in_call"]), "pollutant")
    filled = _sums((row for row in masses if row["grade"] == "D"), "pollutant")
    shares = {name: filled.get(name, 0.0) / grams for name, grams in totals.items() if grams > 0}
    open_ended = [bool(text) for text in results.calls.column("truncated").to_pylist()]
    port = find_port(results.port)
    classes = _by_class(results, masses)
    return Summary(
        port=results.port,
        port_name=port.name if port else results.port,
        begin=day(results.begin),
        end=day(results.end),
        days=(results.end - results.begin).total_seconds() / 86_400,
        simulated=is_simulated(results),
        empty=not totals,
        totals=totals,
        in_call=in_call,
        wtw_g=totals.get("co2e_wtw", 0.0),
        filled=shares,
        calls=len(open_ended),
        complete=open_ended.count(False),
        truncated=open_ended.count(True),
        ships=sum(results.ships.values()),
        banners=tuple(banners(results, open_ended)),
        pollutants=_pollutants(totals, in_call, shares, results.quality.get("factors_missing", ())),
        by_source=tuple(
            Category(
                name,
                label,
                None,
                sum(row[_ENERGY[name]] for row in results.work),
                _sums((row for row in masses if row["source"] == name), "pollutant"),
            )
            for name, label in SOURCES.items()
            if name != "shore_power" or any(row["shore_kwh"] for row in results.work)
        ),
        by_mode=tuple(
            Category(
                name,
                label,
                sum(row["hours"] for row in results.work if row["mode"] == name),
                sum(row[kwh] for row in results.work if row["mode"] == name for kwh in _ENERGY.values()),
                _sums((row for row in masses if row["mode"] == name), "pollutant"),
            )
            for name, label in MODES.items()
            if any(row["mode"] == name for row in results.work)
        ),
        by_class=classes,
    )


def _by_class(results: Results, masses: Sequence[dict[str, Any]]) -> tuple[Category, ...]:
    calls: dict[str, int] = {}
    for name in results.calls.column("ship_class").to_pylist():
        calls[name or "not known"] = calls.get(name or "not known", 0) + 1
    rows = [
        Category(
            name,
            name,
            sum(row["hours"] for row in results.work if row["ship_class"] == name),
            sum(row[kwh] for row in results.work if row["ship_class"] == name for kwh in _ENERGY.values()),
            _sums((row for row in masses if row["ship_class"] == name), "pollutant"),
            ships,
            calls.get(name, 0),
        )
        for name, ships in results.ships.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.grams.get("co2e", 0.0), row.name)))


def _pollutants(
    totals: dict[str, float], in_call: dict[str, float], shares: dict[str, float], missing: Sequence[str]
) -> tuple[Pollutant, ...]:
    rows = []
    for name, label in POLLUTANTS.items():
        if name == "co2e_wtw" and name not in totals:
            continue
        remark = ""
        if any(f"no {label.lower()} factor" in sentence.lower() for sentence in missing):
            remark = "no published factor for some engines: they are left out, not zero"
        if name not in totals:
            remark = "no published factor for these engines: left out, not zero"
        short, _, basis = label.partition(" well")
        rows.append(
            Pollutant(
                name,
                short,
                f"well{basis}" if basis else "tank-to-wake",
                totals.get(name),
                in_call.get(name, 0.0) if name in totals else None,
                shares.get(name),
                remark,
            )
        )
    return tuple(rows)


def finding(categories: Sequence[Category]) -> str:
    """One sentence: which category emits most, e.g. ``Largest share: Boilers (52 % of CO2e and 40 % of NOx).``"""
    top: dict[str, list[str]] = {}
    for name, _ in LEADING:
        total = sum(category.grams.get(name, 0.0) for category in categories)
        if total:
            most = max(categories, key=lambda category: category.grams.get(name, 0.0))
            part = most.grams.get(name, 0.0) / total
            top.setdefault(most.label, []).append(f"{share(part)} of {POLLUTANTS[name]}")
    parts = [f"{label} ({_listed(said)})" for label, said in top.items()]
    return f"Largest {'share' if len(parts) == 1 else 'shares'}: {'; '.join(parts)}." if parts else ""


def _listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
