"""From a scenario file to arrays. docs/reference/scenario-files.md describes every key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.scenarios.choices import range_inputs, read_choices, read_conversions, read_ranges
from sealane.corridors.scenarios.evaluate import is_fossil_oil
from sealane.corridors.scenarios.fuel_options import read_fuel
from sealane.corridors.scenarios.marks import Node, parse_marked
from sealane.corridors.scenarios.model import Floats, FuelOption, Input, ScenarioModel
from sealane.corridors.scenarios.proportion import check_proportions
from sealane.corridors.scenarios.quantities import Field, Reading
from sealane.corridors.scenarios.rules_on import read_rules
from sealane.corridors.scenarios.service import (
    Ports,
    read_demand,
    read_landside,
    read_ports,
    read_round_trip,
    read_targets,
    with_existing,
)
from sealane.corridors.scenarios.ships import DraftClass, read_ship
from sealane.errors import DataError, Fault

FORM = "sealane-scenario/1"
LABELS = ("reference", "demonstration", "user")
GWP = ("ar4", "ar5", "ar6")
FIRST_YEAR, LAST_YEAR, MOST_YEARS = 2015, 2100, 86
DISCOUNT = Field("discount rate", "1/year", 0.0, 0.3)
RATE = Field("ships per year", "ships/year", 0.0, 10_000.0)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def reference_scenarios() -> tuple[str, ...]:
    """Ids of the scenarios that come with Sealane."""
    return tuple(sorted(name.removesuffix(".yaml") for name in _shipped()))


def _shipped() -> Mapping[str, Traversable]:
    folder = files("sealane.corridors.scenarios") / "reference"
    return {item.name: item for item in folder.iterdir() if item.name.endswith(".yaml")}


def scenario_text(path_or_id: str | Path) -> tuple[str, bytes]:
    """Name and content of a scenario file, or of a reference scenario by its id.

    Raises
    ------
    DataError
        where there is neither.
    """
    path = Path(path_or_id)
    shipped = _shipped().get(f"{path_or_id}.yaml")
    if shipped is not None and not path.exists():
        return shipped.name, shipped.read_bytes()
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        remedy = f"Give a readable file, or one of the reference scenarios: {', '.join(reference_scenarios())}"
        fault = Fault(str(path_or_id), f"cannot be read ({error.strerror})", remedy)
        raise DataError("There is no such scenario.", [fault]) from error


def read_scenario(path_or_id: str | Path) -> ScenarioModel:
    """Read a scenario and look every reference up.

    Parameters
    ----------
    path_or_id : a file, or the id of a reference scenario such as ``la-lb-shanghai``.

    Raises
    ------
    DataError
        listing every fault with file, line and remedy.
    """
    name, content = scenario_text(path_or_id)
    return parse_scenario(content, name)


def parse_scenario(content: bytes, name: str = "scenario.yaml") -> ScenarioModel:
    """As `read_scenario`, of a file's content."""
    faults: list[Fault] = []
    top = parse_marked(content, name, faults)
    model = _model(top) if top is not None else None
    if faults or model is None:
        raise DataError(f"{name} is no scenario that can be run.", sorted(set(faults), key=_line))
    return model


def _line(fault: Fault) -> tuple[int, str]:
    found = re.search(r" line (\d+)", fault.where)
    return (int(found[1]) if found else 0, str(fault))


def _model(top: Node) -> ScenarioModel | None:
    form = top.need("form", f"Begin with form: {FORM}")
    if form is not None and form.value != FORM:
        form.fault(f"form '{form.value}'", f"Write form: {FORM}")
    texts = {key: _text(top, key) for key in ("id", "title", "corridor")}
    if texts["id"] and not _ID.fullmatch(texts["id"]):
        top.value["id"].fault(f"'{texts['id']}'", "Use small letters, digits and hyphens, 64 at most")
    label_node = top.need("label", f"Give one of: {', '.join(LABELS)}")
    label = label_node.text(LABELS) if label_node else None
    gwp_node = top.take("gwp")
    gwp = (gwp_node.text(GWP) if gwp_node else None) or "ar5"
    years, weights = _years(top.need("years", "Give from and to, and step where it is not 1"))
    reading = Reading(years)
    ports = read_ports(reading, top.need("ports", "Name the ports of the corridor"))
    round_trip = read_round_trip(reading, top.need("route", "Give calls, or round_trip with its unit"))
    discount_node = top.need("discount_rate", "Give the rate at which later years count less")
    discount = reading.scalar(discount_node, DISCOUNT)
    fuels, drafts = _offers(reading, top, ports, round_trip, gwp)
    demand_node = top.need("demand", "Give teu, or weekly_services")
    demand = read_demand(reading, demand_node, drafts) if drafts else None
    payments = read_rules(reading, top.take("rules"))
    cap, cap_intensity, reduction = read_targets(reading, top.take("targets"))
    port_ids = ports.ids if ports else ()
    mixes = read_choices(reading, top.take("choices"), fuels, port_ids)
    ship_node = top.value.get("ships")
    class_ids = tuple(ship_node.value) if ship_node is not None and isinstance(ship_node.value, dict) else ()
    conversions = read_conversions(reading, top.take("conversions"), class_ids)
    ranges = read_ranges(top.take("ranges"), tuple(fuel.id for fuel in fuels))
    landside = read_landside(reading, top.take("landside"), port_ids)
    rates = [_rate(reading, top.take(key)) for key in ("most_newbuilds", "most_conversions")]
    wanted = [(item.path, item.what) for item in _missing(top.take("missing"))]
    notes_node = top.take("notes")
    notes = [text for item in (notes_node.listed() if notes_node else []) if (text := item.text())]
    top.close()
    for path, what in wanted:
        reading.missing(path, "", what)
    if ports is None or demand is None or not drafts or top.faults or label is None:
        if not top.faults:
            top.fault("what transport there is to perform is not known", "Give demand.teu, or demand.weekly_services")
        return None
    ships = tuple(with_existing(reading, draft, demand, alone=len(drafts) == 1) for draft in drafts)
    inputs = _once((*reading.inputs, *range_inputs(ranges)))
    model = ScenarioModel(
        id=texts["id"],
        title=texts["title"],
        corridor=texts["corridor"],
        label=label,
        years=years,
        year_weight=weights,
        ports=ports.ids,
        demand_teu=demand,
        classes=ships,
        fuels=fuels,
        class_share=_class_share(drafts, top),
        cap_wtw_t=cap,
        cap_intensity_g_per_mj=cap_intensity,
        shore_g_per_mj=ports.shore_g_per_mj,
        shore_usd_per_gj=ports.shore_usd_per_gj,
        most_newbuilds=rates[0],
        most_retrofits=rates[1],
        payments=payments,
        discount_rate=discount,
        newbuild_mix=mixes[0],
        fuel_mix=mixes[1],
        port_mix=mixes[2],
        inputs=inputs,
        notes=(*notes, *_standing_notes(inputs, payments.status)),
        conversions=conversions,
        ranges=ranges,
        landside=landside,
    )
    return check_proportions(model, reduction, top)


def _text(top: Node, key: str) -> str:
    node = top.need(key, f"Give the {key}")
    return (node.text() if node else None) or ""


def _years(node: Node | None) -> tuple[NDArray[np.int64], Floats]:
    default = np.array([2025], dtype=np.int64), np.ones(1)
    if node is None or not node.mapping():
        return default
    parts: dict[str, int] = {"step": 1}
    for key in ("from", "to", "step"):
        item = node.take(key) if key == "step" else node.need(key, "Give a year")
        number = item.number() if item else None
        if item is None or number is None:
            continue
        low, high = (1, 25) if key == "step" else (FIRST_YEAR, LAST_YEAR)
        if number != int(number) or not low <= number <= high:
            item.fault(f"{number:g}", f"Give a whole number from {low} to {high}")
        else:
            parts[key] = int(number)
    node.close()
    if not {"from", "to"} <= parts.keys():
        return default
    if parts["to"] < parts["from"] or (parts["to"] - parts["from"]) % parts["step"]:
        node.fault(
            f"{parts['from']} to {parts['to']} in steps of {parts['step']}", "Let 'to' be reached in whole steps"
        )
        return default
    years = np.arange(parts["from"], parts["to"] + 1, parts["step"], dtype=np.int64)
    # Each model year stands for the years up to the next one.
    return years, np.full(years.size, float(parts["step"]))


def _offers(
    reading: Reading, top: Node, ports: Ports | None, round_trip: float, gwp: str
) -> tuple[tuple[FuelOption, ...], tuple[DraftClass, ...]]:
    fuel_node = top.need("fuels", "Name the fuels on offer")
    ship_node = top.need("ships", "Name the ship classes")
    fuels: list[FuelOption] = []
    drafts: list[DraftClass] = []
    if ports is None:
        return (), ()
    for fuel_id, item in fuel_node.items() if fuel_node else []:
        fuel = read_fuel(reading, fuel_id, item, ports.regions, gwp)
        if fuel is not None:
            fuels.append(fuel)
    priced = [fuel for fuel in fuels if not np.isnan(fuel.price_usd_per_gj).all()]
    if fuel_node is not None and not top.faults and not any(is_fossil_oil(fuel) for fuel in priced):
        fuel_node.fault("no fossil fuel of family oil", "Offer one: every result is compared with it")
    for ship_id, item in ship_node.items() if ship_node else []:
        draft = read_ship(reading, ship_id, item, ports.ids, round_trip, ports.shore_share)
        if draft is not None:
            drafts.append(draft)
    return tuple(fuels), tuple(drafts)


def _class_share(drafts: tuple[DraftClass, ...], top: Node) -> Floats | None:
    given = [draft.share for draft in drafts if draft.share is not None]
    if not given:
        return np.ones((1, drafts[0].ship.existing.shape[1])) if len(drafts) == 1 else None
    if len(given) < len(drafts):
        top.fault("some classes have a share and some have none", "Give a share to every class, or to none")
        return None
    shares = np.stack(given)
    if (np.abs(shares.sum(axis=0) - 1.0) > 1e-6).any():
        top.fault("the shares of the classes do not sum to 1 in every year", "Let them sum to 1")
    return shares


def _rate(reading: Reading, node: Node | None) -> Floats:
    if node is None:
        return np.full(reading.years.size, np.inf)
    series = reading.series(node, RATE)
    return np.where(np.isnan(series), np.inf, series)


def _missing(node: Node | None) -> list[_Wanted]:
    return [_Wanted(key, item.text() or "") for key, item in (node.items() if node is not None else [])]


class _Wanted:
    """A number the corridor would need and nobody gave, listed beside the others."""

    def __init__(self, path: str, what: str) -> None:
        self.path, self.what = path, what


def _once(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Each input once: a row that serves several families is read for each of them."""
    return tuple({item.path: item for item in inputs}.values())


def _standing_notes(inputs: tuple[Input, ...], status: Mapping[str, str]) -> list[str]:
    counts = {origin: sum(1 for item in inputs if item.origin == origin) for origin in ("placeholder", "missing")}
    notes = []
    if counts["placeholder"]:
        notes.append(
            f"{counts['placeholder']} inputs are placeholders, for which nothing published was found: see table inputs."
        )
    if counts["missing"]:
        notes.append(f"{counts['missing']} inputs are missing, and what needs them is left out: see table inputs.")
    notes += [f"Rule {rule} is a DRAFT and not in force." for rule, words in status.items() if "draft" in words.lower()]
    notes.append(
        "Money is in USD of the price years of the sources, which mostly do not state them; nothing is deflated."
    )
    return notes
