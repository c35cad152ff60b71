"""Rules that a scenario file switches on, as prices and lines by model year. What is not named there is off."""

from __future__ import annotations

import numpy as np

from sealane.corridors.rules import eu_ets, fueleu, net_zero
from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import Floats, Origin, Payments
from sealane.corridors.scenarios.quantities import Field, Reading
from sealane.errors import MissingFactorError

SHARE = Field("share of the corridor's energy that counts", "1", 0.0, 1.0)
CARBON_PRICE = Field("price of emissions", "USD/t CO2e", 0.0, 3000.0)
EXCHANGE = Field("exchange rate", "USD/EUR", 0.5, 2.0)
DEFAULT_PAYER = "carrier"
KNOWN = ("eu_ets", "fueleu", "nzf", "carbon_price")


def no_rules(years: int) -> Payments:
    """Payments with every rule off."""
    nothing, off = np.zeros(years), np.full(years, np.nan)
    return Payments(nothing, nothing, off, off, nothing, nothing, off, 0.0, {}, {})


def read_rules(reading: Reading, node: Node | None) -> Payments:
    """Read section ``rules``; without it every rule is off."""
    years = reading.years.size
    if node is None or not node.mapping():
        return no_rules(years)
    payer: dict[str, str] = {}
    status: dict[str, str] = {}
    sections = {key: node.take(key) for key in KNOWN}
    node.close()
    ttw, wtw = np.zeros(years), np.zeros(years)
    off = np.full(years, np.nan)
    base = direct = limit = off
    tier1 = tier2 = np.zeros(years)
    scope, usd_per_eur = 0.0, float("nan")
    if (section := _section(sections["eu_ets"], "eu-ets", payer)) is not None:
        status["eu-ets"] = eu_ets_status(reading)
        share = reading.scalar(section.need("share", "Give the share of the energy in scope"), SHARE, 0.0)
        price = reading.series(section.need("price", "Give the price of an allowance"), CARBON_PRICE)
        ttw = np.nan_to_num(price) * share * eu_ets.phase_in(reading.years)
        section.close()
    if (section := _section(sections["fueleu"], "fueleu", payer)) is not None:
        status["fueleu"] = fueleu.STATUS
        scope = reading.scalar(section.need("share", "Give the share of the energy in scope"), SHARE, 0.0)
        usd_per_eur = reading.scalar(section.need("usd_per_eur", "Give the exchange rate of the penalty"), EXCHANGE)
        limit = fueleu.limits_g_per_mj(reading.years)
        path = f"{section.path}.limit"
        for year, value in zip(reading.years, limit, strict=True):
            if not np.isnan(value):
                reading.add(f"{path}.{year}", value, "g/MJ", Origin.SOURCED, fueleu.EDITION, "A")
        if np.isnan(usd_per_eur):
            scope = 0.0
        section.close()
    if (section := _section(sections["nzf"], "nzf", payer)) is not None:
        status["nzf"] = "draft"
        base, direct, tier1, tier2 = _net_zero(reading, section)
    if (section := _section(sections["carbon_price"], "carbon-price", payer)) is not None:
        status["carbon-price"] = "user"
        wtw = np.nan_to_num(reading.series(section.need("price", "Give the price of emissions"), CARBON_PRICE))
        section.close()
    return Payments(ttw, wtw, base, direct, tier1, tier2, limit, scope, payer, status, usd_per_eur)


def eu_ets_status(reading: Reading) -> str:
    """In force where any model year is one the directive covers."""
    return "in force" if reading.years[-1] >= eu_ets.FIRST_YEAR else "not yet in force"


def _section(node: Node | None, rule: str, payer: dict[str, str]) -> Node | None:
    if node is None or not node.mapping():
        return None
    named = node.take("payer")
    payer[rule] = (named.text() if named else None) or DEFAULT_PAYER
    return node


def _net_zero(reading: Reading, section: Node) -> tuple[Floats, Floats, Floats, Floats]:
    """Lines and prices of the draft; a year it leaves open has no line, and is listed as missing."""
    off, nothing = np.full(reading.years.size, np.nan), np.zeros(reading.years.size)
    accepted = section.need("draft", "The Net-Zero Framework is not in force: write draft: true to count it")
    if accepted is None or accepted.flag() is not True:
        if accepted is not None:
            accepted.fault("draft is not accepted", "Write draft: true, or leave the section out")
        return off, off, nothing, nothing
    lines = {"base": off.copy(), "direct": off.copy()}
    for line, values in lines.items():
        open_years = []
        for y, year in enumerate(reading.years):
            try:
                values[y] = net_zero.target_g_per_mj(int(year), line, drafts=True)
            except MissingFactorError:
                open_years.append(int(year))
                continue
            row = net_zero.target_rows(int(year), line, drafts=True)[1]
            reading.add(f"{section.path}.{line}.{year}", values[y], "g/MJ", Origin.SOURCED, row.source, row.grade)
        if open_years:
            words = f"the draft sets no {line} line for {_spans(open_years)}; nothing is paid in those years"
            reading.missing(f"{section.path}.{line}", "g/MJ", words)
    tiers = []
    for tier in (1, 2):
        given = section.take(f"tier{tier}")
        own = reading.series(given, CARBON_PRICE)
        prices = net_zero.prices_usd_per_t(reading.years, tier, drafts=True)
        tiers.append(np.where(np.isnan(own), prices, own) if given is not None else prices)
        for at in np.flatnonzero(~np.isnan(prices) & (given is None)):
            row = net_zero.price_rows(int(reading.years[at]), drafts=True)[tier]
            path = f"{section.path}.tier{tier}.{reading.years[at]}"
            reading.add(path, float(prices[at]), "USD/t CO2e", Origin.SOURCED, row.source, row.grade)
        unpriced = [int(reading.years[y]) for y in np.flatnonzero(np.isnan(tiers[-1]) & ~np.isnan(lines["base"]))]
        if unpriced:
            words = f"the draft sets no price of tier {tier} for {_spans(unpriced)}: give tier{tier}; none is paid"
            reading.missing(f"{section.path}.tier{tier}", "USD/t CO2e", words)
    section.close()
    return lines["base"], lines["direct"], np.nan_to_num(tiers[0]), np.nan_to_num(tiers[1])


def _spans(years: list[int]) -> str:
    """Write years as ``2025 to 2027, 2036``."""
    parts: list[list[int]] = []
    for year in years:
        if parts and year == parts[-1][-1] + 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts)
