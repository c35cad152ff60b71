"""A small scenario file, to be changed line by line."""

from __future__ import annotations

GOOD = """\
form: sealane-scenario/1
id: small
title: Small
corridor: small
label: user
years: {from: 2026, to: 2036, step: 5}
discount_rate: {value: 0.05, user: our treasury}
ports:
  CNSHA: {fuel_region: asia}
  USLAX:
    fuel_region: americas
    shore_power:
      share: {value: 0.5, user: our terminal}
      intensity: {table: grid_carbon_intensity, zone: US-CA}
      price: {value: 180, unit: USD/MWh, user: our contract}
route:
  round_trip: {value: 11500, unit: nm, user: our schedule}
demand:
  teu: {path: {2026: 300000, 2036: 400000}, unit: TEU/year, user: our bookings}
ships:
  panamax:
    teu_class: 8000
    families: [oil, methanol]
    newbuild_add_on: {methanol: {value: 11, unit: "%", source: a yard}}
    capacity_loss: {methanol: {value: 0.016, source: a yard}}
    existing:
      oil: {path: {2026: 2, 2036: 0}, unit: ships, user: our fleet list}
fuels:
  lsfo: {family: oil, pathway: VLSFO, cost_path: lsfo, delivery: {value: 0.5, unit: USD/GJ, user: our broker}}
  e-methanol:
    family: methanol
    pathway: e-methanol
    cost_path: e-methanol
    price:
      by_port:
        USLAX: {value: 900, unit: USD/t, user: our offtake contract}
    available:
      USLAX: {value: 90, unit: kt/year, user: our offtake contract}
      CNSHA: {value: 2, unit: PJ/year, user: our offtake contract}
targets:
  wtw: {path: {2031: 300, 2036: 150}, unit: kt/year, user: our board}
rules:
  eu_ets: {share: {value: 0, user: no call in the EEA}, price: {table: carbon_price_paths, path: eu-ets-path}}
  nzf: {draft: true, payer: cargo owner}
choices:
  user: our board
  newbuild_mix: {methanol: 1}
  fuel_mix:
    oil: {lsfo: 1}
    methanol: {lsfo: 0.1, e-methanol: 0.9}
  port_mix:
    lsfo: {CNSHA: 1}
conversions:
  - {class: panamax, year: 2031, from: oil, to: methanol, ships: 1, user: our board}
ranges:
  - {driver: price, fuels: [e-methanol], distribution: triangular, low: 0.7, high: 1.4, user: our treasury}
most_newbuilds: {value: 4, unit: ships/year, user: yard slots}
"""


def changed(*pairs: tuple[str, str]) -> bytes:
    """The good file with texts replaced; each must stand in it."""
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode("utf-8")


def line_of(text: str, content: bytes | None = None) -> int:
    """Line in which a text stands."""
    lines = (content.decode("utf-8") if content else GOOD).splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)
