"""Fuels and their pathways: heating value, well-to-tank, tank-to-wake, slip, pilot fuel, by edition.

The table ``fuel_pathways`` says which published rows answer for a fuel in a set of factors; the numbers stay in the
tables they were published in. Sets: ``fueleu`` (Regulation (EU) 2023/1805 Annex II), ``imo-lca`` (MEPC.391(81)) and
``navigate-zcs`` (scenario inputs). What a certificate fixes is asked for, never filled in.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

FACTOR_SETS = ("fueleu", "imo-lca", "navigate-zcs")
CLASSES = ("fossil", "bio", "rfnbo", "low-carbon")
FAMILIES = ("oil", "methanol", "methane", "ammonia")
CONSUMERS = (
    "ICE",
    "Otto dual-fuel medium speed",
    "Otto dual-fuel slow speed",
    "Diesel dual-fuel slow speed",
    "LBSI",
    "auxiliary engine",
)
_SHORT_CONSUMER = {
    "otto-medium": CONSUMERS[1],
    "otto-slow": CONSUMERS[2],
    "diesel-slow": CONSUMERS[3],
    "auxiliary": CONSUMERS[5],
}
USER = "user"
G_PER_KG = 1000.0
_UNCOUNTED = frozenset({"bio", "rfnbo"})


@dataclass(frozen=True)
class Gwp:
    """Global warming potentials over 100 years [g CO2e/g] of one set, with their rows."""

    name: str
    ch4: float
    n2o: float
    rows: tuple[FactorRow, ...]


def gwp_names() -> tuple[str, ...]:
    """Names of the sets of global warming potentials."""
    return tuple(dict.fromkeys(row.text("gwp_set") for row in load_table("gwp100").rows))


@lru_cache
def gwp_set(name: str) -> Gwp:
    """Global warming potentials ``ar4`` (25/298), ``ar5`` (28/265) or ``ar6``.

    Raises
    ------
    DataError
        for another name.
    """
    if name not in gwp_names():
        fault = Fault("gwp", f"'{name}'", f"Give one of: {', '.join(gwp_names())}")
        raise DataError("Unknown set of global warming potentials.", [fault])
    ch4, n2o = (load_table("gwp100").row(name, gas) for gas in ("ch4", "n2o"))
    return Gwp(name, ch4.value, n2o.value, (ch4, n2o))


@dataclass(frozen=True)
class Pathway:
    """A fuel as burnt in a kind of consumer, by one set of factors.

    Attributes
    ----------
    fuel, factor_set, consumer : what it is for; `factor_set` is ``user`` for a fuel of the user's own.
    pathway_class : ``fossil``, ``bio``, ``rfnbo`` (e-fuel) or ``low-carbon``.
    family : engine family that has it as its main fuel; ``none`` where no family of this project burns it.
    families : engine families that can burn it: an oil fuel is also pilot or stand-in of the dual-fuel families.
    lcv_mj_per_kg : lower calorific value.
    wtt_g_per_mj : well-to-tank CO2e; credit of biogenic or captured carbon included, so that it may be negative.
    cf_co2_g_per_g, cf_ch4_g_per_g, cf_n2o_g_per_g : tank-to-wake mass factors of the fuel that burns.
    slip_share : share of the fuel mass that leaves unburnt, counted as methane.
    density_t_per_m3 : NaN where no published value is held.
    pilot_share : least oil share of fuel energy in an engine of the family; 0 for oil fuels, NaN where none is held.
    certificate_e_g_per_mj : E of the certificate; NaN where none was given.
    status : ``regulatory``, ``scenario input`` or ``user``.
    grade : worst grade of the rows and of their choice for this fuel; D for the user's own values.
    rows : published rows of heating value, well-to-tank, combustion and slip.
    property_rows : published rows of density and pilot share, which no rule uses.
    notes : what the reader must know.
    """

    fuel: str
    factor_set: str
    consumer: str
    pathway_class: str
    family: str
    lcv_mj_per_kg: float
    wtt_g_per_mj: float
    cf_co2_g_per_g: float
    cf_ch4_g_per_g: float
    cf_n2o_g_per_g: float
    slip_share: float
    density_t_per_m3: float
    pilot_share: float
    certificate_e_g_per_mj: float
    status: str
    grade: str
    rows: tuple[FactorRow, ...]
    property_rows: tuple[FactorRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        """Engine families that can burn the fuel."""
        if self.family == "oil":
            return FAMILIES
        return (self.family,) if self.family in FAMILIES else ()

    @property
    def zero_at_combustion(self) -> bool:
        """True where a rule may count the combustion CO2 as zero: biogenic or captured carbon."""
        return self.pathway_class in _UNCOUNTED

    @property
    def combustion_rows(self) -> tuple[FactorRow, ...]:
        """Rows of combustion and slip by mass of fuel alone."""
        return tuple(row for row in self.rows if row.text("quantity") not in ("lcv", "lcv_mj_per_kg", "wtt"))

    @property
    def is_certified(self) -> bool:
        """True if E of a certificate was given, or the well-to-tank value that follows from one."""
        return not math.isnan(self.certificate_e_g_per_mj)

    def ttw_g_per_g(self, gwp: str = "ar5") -> float:
        """Tank-to-wake CO2e by mass of fuel [g/g], slip as methane; Regulation (EU) 2023/1805 Annex I equation 2."""
        potential = gwp_set(gwp)
        burnt = self.cf_co2_g_per_g + potential.ch4 * self.cf_ch4_g_per_g + potential.n2o * self.cf_n2o_g_per_g
        return (1.0 - self.slip_share) * burnt + self.slip_share * potential.ch4

    def ttw_g_per_mj(self, gwp: str = "ar5") -> float:
        """Tank-to-wake CO2e [g/MJ] with slip; combustion carbon counted in full."""
        return self.ttw_g_per_g(gwp) * G_PER_KG / self.lcv_mj_per_kg

    def wtw_g_per_mj(self, gwp: str = "ar5") -> float:
        """Well-to-wake CO2e [g/MJ]."""
        return self.wtt_g_per_mj + self.ttw_g_per_mj(gwp)


def fuel_names() -> tuple[str, ...]:
    """Fuels of the catalogue, in its order."""
    return tuple(dict.fromkeys(row.text("fuel") for row in load_table("fuel_pathways").rows))


@lru_cache
def _aliases() -> dict[str, str]:
    names: dict[str, str] = {}
    for row in load_table("fuel_pathways").rows:
        for name in (row.text("fuel"), *row.text("aliases").split()):
            names[name.casefold()] = row.text("fuel")
    return names


def fuel_name(text: str) -> str:
    """Name in the catalogue of a fuel written in any case or by a usual other name (``mdo``: ``MDO/MGO``).

    Raises
    ------
    MissingFactorError
        naming the nearest fuels.
    """
    known = _aliases()
    if text.strip().casefold() not in known:
        near = dict.fromkeys(known[n] for n in difflib.get_close_matches(text.casefold(), known, n=4, cutoff=0.5))
        raise MissingFactorError(
            f"No fuel '{text}' is held. {'Near: ' + ', '.join(near) + '. ' if near else ''}"
            f"Fuels: {', '.join(fuel_names())}. Another one is given in a file of your own fuels, with its source."
        )
    return known[text.strip().casefold()]


def consumer_name(text: str) -> str:
    """Full name of a consumer; short forms ``otto-medium``, ``otto-slow``, ``diesel-slow``, ``lbsi``, ``ice``.

    Raises
    ------
    DataError
        for another text.
    """
    known = {name.casefold(): name for name in CONSUMERS} | _SHORT_CONSUMER
    if text.strip().casefold() not in known:
        fault = Fault("consumer", f"'{text}'", f"Give one of: {', '.join(known)}")
        raise DataError("Unknown consumer of fuel.", [fault])
    return known[text.strip().casefold()]


def _catalogue_row(fuel: str, factor_set: str, consumer: str | None) -> FactorRow:
    """The row of the catalogue; a consumer is needed only where the rows differ by it."""
    if factor_set not in FACTOR_SETS:
        fault = Fault("edition", f"'{factor_set}'", f"Give one of: {', '.join(FACTOR_SETS)}")
        raise DataError("Unknown set of fuel factors.", [fault])
    table = load_table("fuel_pathways")
    rows = table.find(fuel=fuel, factor_set=factor_set)
    if not rows:
        sets = dict.fromkeys(row.text("factor_set") for row in table.find(fuel=fuel))
        raise MissingFactorError(
            f"{fuel} has no factors in set '{factor_set}'; it has in: {', '.join(sets)}. "
            "Give it in a file of your own fuels, with its source, or choose another set."
        )
    if consumer is None and len(rows) == 1:
        return rows[0]
    names = [row.text("consumer") for row in rows]
    if consumer is None:
        remedy = f"The slip differs by engine; give one of: {', '.join(names)}"
        raise DataError(f"{fuel} needs its consumer.", [Fault("consumer", "not given", remedy)])
    wanted = consumer_name(consumer)
    if wanted not in names:
        fault = Fault("consumer", f"'{wanted}'", f"For {fuel} in set '{factor_set}' give one of: {', '.join(names)}")
        raise DataError(f"{fuel} has no factors for this consumer.", [fault])
    return rows[names.index(wanted)]


def _referred(reference: str, quantity: str) -> FactorRow:
    table, *key = reference.split("|")
    # One older table spells the quantity with its unit.
    if table == "imo4_fuel_properties" and quantity == "lcv":
        quantity = "lcv_mj_per_kg"
    return load_table(table).row(*key, quantity)


def _asked(row: FactorRow) -> MissingFactorError:
    fuel, factor_set = row.text("fuel"), row.text("factor_set")
    examples = [
        f"{example.text('quantity')} {example.value:g} ({example.source})"
        for example in load_table("fuel_wtt_examples").find(fuel=fuel)
    ]
    why = "its certificate fixes it" if row.text("wtt") == "certificate" else "no default was adopted"
    return MissingFactorError(
        f"No well-to-tank value of {fuel} is held in set '{factor_set}': {why}. Give E of the proof of "
        f"sustainability [g CO2e/MJ] (e_g_per_mj; WtT is then E - CfCO2/LCV), or WtT itself (wtt_g_per_mj): "
        f"by hand '--fuel {fuel}=TONNES,e=E', in a ship-year file columns e_g_per_mj or wtt_g_per_mj, in a scenario "
        f"or a file of your own fuels wtt_g_per_mj."
        + (f" For orientation only, g CO2e/MJ: {'; '.join(examples)}." if examples else "")
    )


def _checked(name: str, value: float | None, low: float, high: float, hint: str) -> list[Fault]:
    if value is None or (math.isfinite(value) and low <= value <= high):
        return []
    return [Fault(name, f"{value:g}", f"Give a number from {low:g} to {high:g} [g CO2e/MJ]; {hint}")]


@lru_cache(maxsize=4096)
def _published(
    fuel: str,
    factor_set: str,
    consumer: str | None,
    e_g_per_mj: float | None,
    wtt_g_per_mj: float | None,
    needs_wtt: bool,
) -> Pathway:
    entry = _catalogue_row(fuel_name(fuel), factor_set, consumer)
    faults = _checked("e_g_per_mj", e_g_per_mj, -150.0, 250.0, "E of a certificate is about 5 to 50")
    faults += _checked("wtt_g_per_mj", wtt_g_per_mj, -250.0, 250.0, "fossil fuels have 8 to 132")
    if e_g_per_mj is not None and wtt_g_per_mj is not None:
        faults.append(Fault("e_g_per_mj, wtt_g_per_mj", "both given", "Give one of them"))
    fossil_default = entry.text("wtt") not in ("certificate", "asked")
    if fossil_default and e_g_per_mj is not None:
        faults.append(Fault("e_g_per_mj", f"given for {entry.text('fuel')}", "A fossil fuel has no certificate"))
    if faults:
        raise DataError(f"{entry.text('fuel')} cannot be looked up.", faults)
    factors, gases = entry.text("factors"), entry.text("gases")
    lcv, co2 = _referred(factors, "lcv"), _referred(factors, "cf_co2")
    ch4, n2o, slip = _referred(gases, "cf_ch4"), _referred(gases, "cf_n2o"), _referred(entry.text("slip"), "slip")
    rows = [lcv, co2, ch4, n2o, slip]
    certificate = math.nan
    notes: tuple[str, ...] = ()
    if wtt_g_per_mj is not None:
        wtt = wtt_g_per_mj
        notes = ("Well-to-tank as given.",)
        if entry.text("wtt") == "certificate":
            certificate = wtt + co2.value * G_PER_KG / lcv.value
    elif e_g_per_mj is not None:
        wtt = e_g_per_mj - co2.value * G_PER_KG / lcv.value
        certificate = e_g_per_mj
        notes = ("Well-to-tank is E of the certificate less CfCO2/LCV; the certificate itself is not checked.",)
    elif fossil_default:
        # "row": among the factors; else the place of the row.
        row = _referred(factors if entry.text("wtt") == "row" else entry.text("wtt"), "wtt")
        wtt = row.value
        rows.append(row)
    elif needs_wtt:
        raise _asked(entry)
    else:
        wtt, notes = math.nan, ("Well-to-tank is not held and was not asked for.",)
    density, properties = math.nan, []
    if entry.text("density"):
        properties.append(_referred(entry.text("density"), "density"))
        density = properties[-1].value
    family, pilot = entry.text("family"), math.nan
    if family == "oil":
        pilot = 0.0
    elif family in FAMILIES:
        converter = "electrical" if entry.text("consumer") == "auxiliary engine" else "propulsion"
        properties.append(load_table("navigate_engine_fuel").row(converter, family, "pilot_share"))
        pilot = properties[-1].value
    return Pathway(
        fuel=entry.text("fuel"),
        factor_set=factor_set,
        consumer=entry.text("consumer"),
        pathway_class=entry.text("pathway_class"),
        family=family,
        lcv_mj_per_kg=lcv.value,
        wtt_g_per_mj=wtt,
        cf_co2_g_per_g=co2.value,
        cf_ch4_g_per_g=ch4.value,
        cf_n2o_g_per_g=n2o.value,
        slip_share=slip.value / 100.0 if slip.unit.startswith("%") else slip.value,
        density_t_per_m3=density,
        pilot_share=pilot,
        certificate_e_g_per_mj=certificate,
        status=entry.text("status"),
        grade=max(row.grade for row in (entry, *rows)),
        rows=tuple(rows),
        property_rows=tuple(properties),
        # What stands after the first words of the source says why a row stands in for another.
        notes=(*notes, *(f"{entry.text('fuel')}: {why}." for why in entry.source.split("; ")[1:])),
    )


def _chosen(mine: Sequence[Pathway], consumer: str | None, *, given: bool) -> Pathway:
    """The entry among the user's own fuels of one name; one without a consumer stands for any."""
    name, faults = mine[0].fuel, []
    if given:
        remedy = "Leave it out, or change the file of your own fuels"
        faults.append(Fault("e_g_per_mj or wtt_g_per_mj", f"given for {name}, a fuel of your own", remedy))
    wanted = None if consumer is None else consumer_name(consumer)
    fits = [entry for entry in mine if wanted in (None, entry.consumer)]
    fits = fits or [entry for entry in mine if not entry.consumer]
    if len(fits) != 1:
        choices = ", ".join(entry.consumer or "any" for entry in mine)
        faults.append(Fault("consumer", wanted or "not given", f"{name} of your own has: {choices}"))
    if faults:
        raise DataError(f"{name} cannot be looked up.", faults)
    return fits[0]


def pathway(
    fuel: str,
    edition: str = "fueleu",
    consumer: str | None = None,
    *,
    e_g_per_mj: float | None = None,
    wtt_g_per_mj: float | None = None,
    own: Sequence[Pathway] = (),
    needs_wtt: bool = True,
) -> Pathway:
    """Factors of a fuel.

    Parameters
    ----------
    fuel : name or usual other name, any case: ``HFO``, ``mdo``, ``LNG``, ``e-methanol``.
    edition : set of factors, one of `FACTOR_SETS`.
    consumer : kind of engine; needed only where the factors differ by it (LNG and its renewable kin).
    e_g_per_mj : E of the certificate of a biofuel or RFNBO [g CO2e/MJ].
    wtt_g_per_mj : well-to-tank in place of the published or certified one [g CO2e/MJ].
    own : fuels of the user's own; one of this name (and consumer) goes before the catalogue, whatever `edition` says.
    needs_wtt : False for a rule that counts tank-to-wake only: a well-to-tank value that is not held is then NaN.

    Raises
    ------
    MissingFactorError
        if the fuel is not held, or its well-to-tank value must be given; says how.
    DataError
        listing every input that is not known or out of range.

    Source: Regulation (EU) 2023/1805 Annexes I and II; MEPC.391(81); rows list theirs.
    """
    mine = [entry for entry in own if entry.fuel.casefold() == fuel.strip().casefold()]
    if mine:
        return _chosen(mine, consumer, given=e_g_per_mj is not None or wtt_g_per_mj is not None)
    return _published(fuel.strip(), edition, consumer, e_g_per_mj, wtt_g_per_mj, needs_wtt)
