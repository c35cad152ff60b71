"""Results of a corridor as the command line writes them, and a walk through derivations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sealane.corridors.arrival.run import run_arrival, write_arrival
from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.document import parse_corridor, read_document_bytes
from sealane.corridors.lanes.run import run_lane
from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.ensemble import ensemble
from sealane.corridors.scenarios.read import read_scenario
from sealane.corridors.scenarios.write import write_result
from sealane.emissions.user_vessels import read_user_vessels
from sealane.samples.simulated_service import CORRIDOR, write_simulated_service
from sealane.web.derivation import Derivation

TARGET = """
baseline_year: 2025
targets:
  - {id: half, year: 2025, metric: wtw_t, value: 100000, source: c40}
"""


@dataclass(frozen=True)
class Made:
    """Folders of results."""

    lane: Path
    arrival: Path
    scenario: Path
    plan: Path


@dataclass(frozen=True)
class Kept:
    """Their ids on a node."""

    lane: str
    arrival: str
    scenario: str
    plan: str


def make_results(folder: Path) -> Made:
    """Six SIMULATED ships on three round trips, by a document with a target of its own."""
    write_simulated_service(folder / "service", ships=6, rounds=3)
    calls = read_call_table([folder / "service" / "calls.csv"])
    vessels = read_user_vessels(folder / "service" / "vessels.csv")
    document = parse_corridor(read_document_bytes(CORRIDOR)[0] + TARGET.encode(), "own.yaml")
    run_lane(document, calls, folder / "lane", vessels=vessels)
    write_arrival(run_arrival(calls, "USLAX"), folder / "arrival")
    model = read_scenario(CORRIDOR)
    write_result(ensemble(model, 16), model, folder / "scenario")
    write_result(solve_plan(model), model, folder / "plan")
    return Made(*(folder / name for name in ("lane", "arrival", "scenario", "plan")))


def query_of(address: str) -> dict[str, str]:
    """Parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def adds_up(found: Derivation) -> bool:
    """The parts give the figure to the last bit; true where there are none."""
    if not found.parts:
        return True
    return math.fsum(part.figure.value or 0.0 for part in found.parts) == found.figure.value


def walk(start: str, explain: Callable[[str], Derivation], most: int = 2000) -> Iterator[tuple[str, Derivation]]:
    """Every derivation that can be reached from an address by its parts and inputs, each once."""
    waiting: list[tuple[str, float | None]] = [(start, None)]
    seen: set[str] = set()
    while waiting and len(seen) < most:
        address, shown = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        found = explain(address)
        if shown is not None:
            assert found.figure.value == shown, address
        yield address, found
        waiting += [(part.figure.explain, part.figure.value) for part in found.parts if part.figure.explain != address]
        waiting += [(item.link, None) for item in found.inputs if item.link and item.link.startswith("/explain/")]


def figures(found: Any) -> Iterator[dict[str, Any]]:
    """Every figure in an answer."""
    if isinstance(found, dict):
        if "explain" in found and "quantity" in found:
            yield found
        else:
            for value in found.values():
                yield from figures(value)
    elif isinstance(found, list):
        for value in found:
            yield from figures(value)
