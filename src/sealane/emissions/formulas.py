"""Any published formula by hand: the registry behind ``sealane calc`` and its documentation.

Each `Formula` lists its options; `calc` checks them all at once, works the value out and says by which equation, from
which rows and inputs (defaults marked).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sealane.emissions import low_load, propulsion
from sealane.emissions.emission_factors import POLLUTANTS, emission_factor
from sealane.emissions.engines import ENGINES, FUELS
from sealane.emissions.factor_query import AGES, GWP_SETS, METHODS, TIERS
from sealane.emissions.hotel_loads import DRIFT_NOTE, HOTEL_TABLES, MODES, hotel_load
from sealane.emissions.ship_classes import parse_ship_class
from sealane.emissions.well_to_tank import WTT_SETS, well_to_tank
from sealane.errors import DataError, Fault
from sealane.reference import FactorRow, load_table

Value = float | int | str | tuple[str, ...] | None


@dataclass(frozen=True)
class Option:
    """One input of a formula. On the command line `name` is spelt with hyphens: ``--speed-kn``.

    Attributes
    ----------
    name : name in Python, with its unit.
    unit : unit, ``1`` for a fraction, ``text`` for a code.
    help : one sentence.
    kind : ``number``, ``integer``, ``text``, ``repeated`` for a text that may be given several times, ``flag`` for yes
        or no.
    choices : allowed values; empty where any value in ``[minimum, maximum]`` is.
    required : must be given.
    default : taken when it is not given; None: unknown, as `help` says.
    """

    name: str
    unit: str
    help: str
    kind: str = "number"
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Value = None
    minimum: float = 0.0
    maximum: float = math.inf
    above_minimum: bool = False

    @property
    def flag(self) -> str:
        """Name on the command line."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Calculation:
    """What a formula gave.

    Attributes
    ----------
    formula, value, unit, equation : the figure and how it came about.
    source : publications, one after the other.
    inputs : every input as used, defaults included.
    defaults : names of the inputs that were not given.
    extra : further figures beside the value, with units in their names.
    notes : what the reader must know, assumptions first.
    rows : published rows used.
    """

    formula: str
    value: float
    unit: str
    equation: str
    source: str
    inputs: Mapping[str, Value]
    defaults: tuple[str, ...]
    extra: Mapping[str, float | str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: tuple[FactorRow, ...] = ()

    @property
    def grade(self) -> str:
        """Worst grade of the rows, D with an assumption among the notes."""
        worst = max((row.grade for row in self.rows), default="A")
        return "D" if any("our assumption" in note for note in self.notes) else worst

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON: value, unit, equation, source, inputs and what stands beside them."""
        content: dict[str, object] = {"formula": self.formula, "value": self.value, "unit": self.unit, **self.extra}
        content |= {"equation": self.equation, "source": self.source, "grade": self.grade}
        inputs = {name: list(value) if isinstance(value, tuple) else value for name, value in self.inputs.items()}
        content |= {"inputs": inputs, "defaults": list(self.defaults), "notes": list(self.notes)}
        content["rows"] = [
            {"row": row.label, "value": row.value, "unit": row.unit, "source": row.source}
            | {"edition": row.edition, "grade": row.grade, "valid_from": row.valid_from.isoformat()}
            for row in self.rows
        ]
        return content


@dataclass(frozen=True)
class Result:
    """What the function of a formula gives back; `filled` are inputs as used in place of those given."""

    value: float
    equation: str
    rows: tuple[FactorRow, ...]
    extra: Mapping[str, float | str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    filled: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Formula:
    """A published formula: name, what it gives, its equation in general, unit, publication, options."""

    name: str
    help: str
    equation: str
    unit: str
    source: str
    options: tuple[Option, ...]
    work_out: Callable[[Mapping[str, Value]], Result]


def _number(inputs: Mapping[str, Value], name: str) -> float:
    """A number input; NaN where it is unknown."""
    value = inputs[name]
    return math.nan if value is None or isinstance(value, tuple) else float(value)


def _text(inputs: Mapping[str, Value], name: str) -> str:
    return str(inputs[name])


def _constants(*symbols: str, method: str = "epa-2022") -> tuple[FactorRow, ...]:
    return tuple(load_table("method_constants").row(method, symbol) for symbol in symbols)


def _draught_note(inputs: Mapping[str, Value]) -> tuple[str, ...]:
    if inputs["draught_m"] and inputs["max_draught_m"]:
        return ()
    return ("Draught or maximum draught is not known: plain propeller law.",)


def _propulsion_power(inputs: Mapping[str, Value]) -> Result:
    rows = _constants("service_to_max_speed", "load_floor", "load_cap", "draught_exponent")
    margin = _number(inputs, "sea_margin")
    if math.isnan(margin):
        row = load_table("sea_margin").row("epa-2022", "coastal")
        margin, rows = row.value, (*rows, row)
    load = propulsion.propulsion_load(
        _number(inputs, "speed_kn"),
        propulsion.max_speed_from_service(_number(inputs, "service_speed_kn")),
        margin,
        _number(inputs, "draught_m"),
        _number(inputs, "max_draught_m"),
    )
    return Result(
        value=_number(inputs, "installed_kw") * load,
        equation="P = P_inst min(1, max(0.02, (v / v_max)^3 (1 + SM) (d / d_max)^(2/3))), v_max = v_service / 0.94",
        rows=rows,
        extra={"load_factor": load},
        notes=_draught_note(inputs),
        filled={"sea_margin": margin},
    )


def _imo4_load(inputs: Mapping[str, Value]) -> Result:
    table = load_table("imo4_load_constants")
    ship_type, size = _text(inputs, "ship_type"), _number(inputs, "size")
    eta_w, eta_f, delta_w = (
        table.in_range(size, symbol=symbol, ship_type=ship_type)[0] for symbol in ("eta_w", "eta_f", "delta_w")
    )
    load = propulsion.imo4_propulsion_load(
        _number(inputs, "speed_kn"),
        _number(inputs, "design_speed_kn"),
        _number(inputs, "draught_m"),
        _number(inputs, "max_draught_m"),
        eta_w.value,
        eta_f.value,
        delta_w.value,
    )
    rows = (eta_w, eta_f, delta_w)
    equation = "LF = min(1, delta_w (d / d_d)^(2/3) (v / v_d)^3 / (eta_w eta_f))"
    return Result(load, equation, rows, notes=_draught_note(inputs))


def _low_load_factor(inputs: Mapping[str, Value]) -> Result:
    pollutant, load, sulphur_pct = _text(inputs, "pollutant"), _number(inputs, "load"), _number(inputs, "sulphur_pct")
    rows = low_load.low_load_rows(pollutant) + _constants("low_load_limit", "load_floor")
    notes: tuple[str, ...] = ()
    if load < propulsion.LOAD_FLOOR:
        notes = ("The load is held at 0.02.",)
    equation = "LLAF = (a LF^-x + b) / (a 0.2^-x + b) below LF = 0.2, else 1"
    if pollutant == "so2":
        equation = "LLAF = r(LF) / r(0.2) below LF = 0.2, else 1; r = a (14.1205 / LF + 205.7169) S + b, S a fraction"
        rows += _constants("llaf_so2_per_load", "llaf_so2_constant", "llaf_so2_min_sulphur")
        if sulphur_pct / 100.0 < low_load.SO2_MIN_SULPHUR_FRACTION:
            notes += ("Below 0.1 % sulphur the value of 0.1 % is used.",)
    return Result(low_load.low_load_factor(pollutant, load, sulphur_pct), equation, rows, notes=notes)


def _emission_factor(inputs: Mapping[str, Value]) -> Result:
    fuel = inputs["fuel"]
    factor = emission_factor(
        _text(inputs, "pollutant"),
        _text(inputs, "engine"),
        None if fuel is None else str(fuel),
        int(_number(inputs, "tier")),
        _number(inputs, "load"),
        None if inputs["sulphur_pct"] is None else _number(inputs, "sulphur_pct"),
        _text(inputs, "method"),
        _text(inputs, "gwp"),
        _text(inputs, "age"),
    )
    notes = tuple(f"our assumption: {text}" for text in factor.assumptions)
    notes += ("The low-load adjustment is left out.",)
    filled: dict[str, Value] = {"fuel": factor.fuel, "sulphur_pct": factor.sulphur_pct}
    return Result(factor.value, f"EF = {factor.equation}", factor.rows, notes=notes, filled=filled)


def _hotel_load(inputs: Mapping[str, Value]) -> Result:
    ship_class, subtype = parse_ship_class(_text(inputs, "ship_class"))
    mode = _text(inputs, "mode")
    aux_kw, boiler_kw, rows = hotel_load(ship_class, subtype, mode, _text(inputs, "table"))
    return Result(
        value=aux_kw,
        equation="row; value is the auxiliary load, boiler_kw stands beside it",
        rows=rows,
        extra={"aux_kw": aux_kw, "boiler_kw": boiler_kw},
        notes=(f"Read as {ship_class}/{subtype}.", *((DRIFT_NOTE,) if mode == "drift" else ())),
    )


def _load_based_sfc(inputs: Mapping[str, Value]) -> Result:
    rows = _constants("load_sfc_quadratic", "load_sfc_linear", "load_sfc_constant", method="imo4-2020")
    factor = propulsion.load_based_sfc_factor(_number(inputs, "load"))
    return Result(factor, "SFC / SFC_base = 0.455 LF^2 - 0.71 LF + 1.28", rows)


def _co2e(inputs: Mapping[str, Value]) -> Result:
    gwp = _text(inputs, "gwp")
    rows = tuple(load_table("gwp100").row(gwp, gas) for gas in ("co2", "ch4", "n2o"))
    masses = (_number(inputs, name) for name in ("co2_g", "ch4_g", "n2o_g"))
    value = sum(mass * row.value for mass, row in zip(masses, rows, strict=True))
    return Result(value, "CO2e = CO2 + GWP CH4 x CH4 + GWP N2O x N2O, 100 years", rows)


def _well_to_tank(inputs: Mapping[str, Value]) -> Result:
    fuel = inputs["fuel"]
    factor = well_to_tank(
        _text(inputs, "engine"),
        None if fuel is None else str(fuel),
        method=_text(inputs, "method"),
        wtt_set=_text(inputs, "wtt_set"),
        baseline=True,
    )
    return Result(factor.value, f"WtT = {factor.equation}", factor.rows, filled={"fuel": factor.fuel})


_EPA = "EPA-420-B-22-011 (April 2022)"
_IMO4 = "Fourth IMO GHG Study 2020"
_LOAD = Option("load", "1", "Load as a fraction of installed power.", required=True, maximum=1.0)
_DRAUGHT = (
    Option("draught_m", "m", "Actual draught; omitted or 0: plain propeller law."),
    Option("max_draught_m", "m", "Maximum (design) draught; omitted or 0: plain propeller law."),
)
_SPEED = Option("speed_kn", "kn", "Speed over ground.", required=True, maximum=102.2)
_POLLUTANT = Option("pollutant", "text", "Pollutant.", "text", POLLUTANTS, required=True)
_ENGINE = Option("engine", "text", "Engine.", "text", tuple(ENGINES), required=True)
_FUEL = Option("fuel", "text", "Fuel; omitted: burnt inside an emission control area.", "text", tuple(FUELS))
_METHOD = Option("method", "text", "Method.", "text", METHODS, default="epa-2022")
_GWP = Option(
    "gwp", "text", "Global warming potentials of this IPCC report, 100 years.", "text", GWP_SETS, default="ar5"
)

FORMULAS: Mapping[str, Formula] = {
    formula.name: formula
    for formula in (
        Formula(
            "propulsion-power",
            "Propulsion power of the main engine from speed and draught.",
            "P = P_inst min(1, max(0.02, (v / v_max)^3 (1 + SM) (d / d_max)^(2/3))), v_max = v_service / 0.94",
            "kW",
            _EPA,
            (
                Option("installed_kw", "kW", "Installed propulsion power.", required=True, above_minimum=True),
                Option("service_speed_kn", "kn", "Service speed.", required=True, above_minimum=True),
                _SPEED,
                *_DRAUGHT,
                Option("sea_margin", "1", "Sea margin as a fraction; omitted: coastal, 0.10.", maximum=1.0),
            ),
            _propulsion_power,
        ),
        Formula(
            "low-load-factor",
            "Low-load adjustment factor of a main engine.",
            "LLAF = (a LF^-x + b) / (a 0.2^-x + b) below LF = 0.2, else 1; for SO2 r(LF) / r(0.2)",
            "1",
            f"{_EPA}, Table 3.10; EPA 2009 Category 3 Regulatory Impact Analysis",
            (
                Option("pollutant", "text", "Pollutant.", "text", tuple(low_load.LLAF_ROW), required=True),
                _LOAD,
                Option("sulphur_pct", "%", "Sulphur of the fuel, per cent by mass (SO2).", default=0.1, maximum=5.0),
            ),
            _low_load_factor,
        ),
        Formula(
            "emission-factor",
            "Emission factor of an engine, without low-load adjustment.",
            "a published row, or BSFC x Cf, BSFC x 2 x 0.97753 x S, PM base + S x BSFC x FSC x MWR",
            "g/kWh",
            f"{_EPA}; {_IMO4}",
            (
                _POLLUTANT,
                _ENGINE,
                _FUEL,
                Option("tier", "tier", "NOx tier.", "integer", tuple(map(str, TIERS)), default=0),
                Option("load", "1", "Load as a fraction; selects the NOx tier.", default=1.0, maximum=1.0),
                Option("sulphur_pct", "%", "Sulphur of the fuel, per cent by mass; omitted: by fuel.", maximum=5.0),
                _METHOD,
                _GWP,
                Option("age", "text", "Generation of the engine (imo4-2020).", "text", AGES, default="after_2000"),
            ),
            _emission_factor,
        ),
        Formula(
            "hotel-load",
            "Auxiliary and boiler load of a ship in a mode.",
            "a published row",
            "kW",
            f"{_EPA}, Tables E.1 and E.2, or the table chosen",
            (
                Option(
                    "ship_class",
                    "text",
                    "Ship class and subtype, e.g. 'Container Ship/5,000 TEU'.",
                    "text",
                    required=True,
                ),
                Option("mode", "text", "Operating mode.", "text", MODES, required=True),
                Option("table", "text", "Published table.", "text", tuple(HOTEL_TABLES), default="epa-2022"),
            ),
            _hotel_load,
        ),
        Formula(
            "imo4-load",
            "Load of the main engine by the Fourth IMO GHG Study.",
            "LF = min(1, delta_w (d / d_d)^(2/3) (v / v_d)^3 / (eta_w eta_f))",
            "1",
            f"{_IMO4}, equation 8",
            (
                _SPEED,
                Option("design_speed_kn", "kn", "Design speed.", required=True, above_minimum=True),
                *_DRAUGHT,
                Option(
                    "ship_type",
                    "text",
                    "Ship type as in table imo4_load_constants, e.g. container.",
                    "text",
                    required=True,
                ),
                Option("size", "TEU, DWT or GT", "Size in the unit of the ship type.", required=True),
            ),
            _imo4_load,
        ),
        Formula(
            "load-based-sfc",
            "Specific fuel consumption at a load, relative to its baseline.",
            "SFC / SFC_base = 0.455 LF^2 - 0.71 LF + 1.28",
            "1",
            f"Jalkanen et al. 2012; {_IMO4}",
            (_LOAD,),
            _load_based_sfc,
        ),
        Formula(
            "well-to-tank",
            "Upstream CO2e of an engine's fuel, by kWh at baseline consumption.",
            "BSFC x LCV / 1000 x WtT",
            "g CO2e/kWh",
            "MEPC.391(81); Regulation (EU) 2023/1805",
            (_ENGINE, _FUEL, _METHOD, Option("wtt_set", "text", "Defaults.", "text", WTT_SETS, default=WTT_SETS[0])),
            _well_to_tank,
        ),
        Formula(
            "co2e",
            "Carbon dioxide equivalent of three gases.",
            "CO2e = CO2 + GWP CH4 x CH4 + GWP N2O x N2O, 100 years",
            "g CO2e",
            "IPCC assessment reports AR4, AR5, AR6",
            (
                Option("co2_g", "g", "Mass of CO2.", required=True),
                Option("ch4_g", "g", "Mass of CH4.", default=0.0),
                Option("n2o_g", "g", "Mass of N2O.", default=0.0),
                _GWP,
            ),
            _co2e,
        ),
    )
}
"""All formulas by name."""


def _parsed(option: Option, given: object, faults: list[Fault]) -> Value:
    """One input as its kind, or None with a fault."""
    where = option.flag
    if option.kind == "flag":
        return bool(given)
    if option.kind == "repeated":
        return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)
    if option.kind == "text":
        text = str(given)
        by_case = {choice.casefold(): choice for choice in option.choices}
        if option.choices and text.casefold() not in by_case:
            faults.append(Fault(where, f"'{text}'", f"Give one of: {', '.join(option.choices)}"))
        return by_case.get(text.casefold(), text)
    try:
        number = float(given)  # type: ignore[arg-type]  # anything may be given; what float refuses is a fault
    except (TypeError, ValueError):
        faults.append(Fault(where, f"'{given}'", f"Give a number [{option.unit}]"))
        return None
    if option.kind == "integer" and not option.choices and not number.is_integer():
        faults.append(Fault(where, f"{given}", f"Give a whole number [{option.unit}]"))
        return None
    if option.kind == "integer" and option.choices:
        if str(int(number) if number.is_integer() else number) not in option.choices:
            faults.append(Fault(where, f"{given}", f"Give one of: {', '.join(option.choices)}"))
            return None
        return int(number)
    inside = option.minimum <= number <= option.maximum and not (option.above_minimum and number == option.minimum)
    if not (math.isfinite(number) and inside):
        low = f"above {option.minimum:g}" if option.above_minimum else f"from {option.minimum:g}"
        high = "" if math.isinf(option.maximum) else f" to {option.maximum:g}"
        faults.append(Fault(where, f"{given}", f"Give a number {low}{high} [{option.unit}]"))
        return None
    return int(number) if option.kind == "integer" else number


def calc(formula: str, **inputs: object) -> Calculation:
    """Work out a published formula.

    Parameters
    ----------
    formula : a name of `FORMULAS`, e.g. ``propulsion-power``.
    inputs : by option name, e.g. ``speed_kn=14``; text is accepted for numbers. None counts as not given.

    Raises
    ------
    DataError
        for an unknown formula, or listing every input that is unknown, missing or out of range.
    MissingFactorError
        if no published row answers.
    """
    if formula not in FORMULAS:
        remedy = f"Give one of: {', '.join(FORMULAS)}"
        raise DataError("There is no such formula.", [Fault("formula", f"'{formula}'", remedy)])
    return work_out(FORMULAS[formula], inputs)


def work_out(spec: Formula, inputs: Mapping[str, object]) -> Calculation:
    """Work out one formula of this or another registry; inputs and errors as `calc`."""
    faults: list[Fault] = []
    given = {name: value for name, value in inputs.items() if value is not None}
    known = {option.name for option in spec.options}
    for name in sorted(given.keys() - known):
        options = ", ".join(option.flag for option in spec.options)
        faults.append(Fault(f"--{name.replace('_', '-')}", "not an option of this formula", f"Options: {options}"))
    used: dict[str, Value] = {}
    for option in spec.options:
        if option.name in given:
            used[option.name] = _parsed(option, given[option.name], faults)
        elif option.required:
            faults.append(Fault(option.flag, "not given", f"{option.help} [{option.unit}]"))
        else:
            used[option.name] = option.default
    if faults:
        raise DataError(f"{spec.name} cannot be worked out.", faults)
    result = spec.work_out(used)
    sources = dict.fromkeys((spec.source, *(row.source for row in result.rows)))
    return Calculation(
        formula=spec.name,
        value=result.value,
        unit=spec.unit,
        equation=result.equation,
        source="; ".join(sources),
        inputs={**used, **result.filled},
        defaults=tuple(option.name for option in spec.options if option.name not in given),
        extra=result.extra,
        notes=result.notes,
        rows=result.rows,
    )
