"""An arrival study as tables: what was found, laid out in the columns of `sealane.corridors.arrival.schemas`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.arrival.fairness import inversions, overtaken, spread
from sealane.corridors.arrival.just_in_time import BOUNDS, Part, Slowdown
from sealane.corridors.arrival.replayed import QueueStudy, present
from sealane.corridors.arrival.schemas import TABLES
from sealane.corridors.arrival.waiting import US_PER_H, Waits
from sealane.corridors.ship_model import ShipEnergy
from sealane.emissions.profiles import GRADES
from sealane.reference import load_table

Floats = NDArray[np.float64]
_NULL = np.iinfo(np.int64).min
_SHOWN = (("co2e", "ttw"), ("co2e", "wtw"), ("nox", "ttw"), ("so2", "ttw"), ("pm25", "ttw"))
_SUMMED = (
    ("wtw_co2e", "wtw_co2e", 1e6),
    ("ttw_co2e", "co2e", 1e6),
    ("nox", "nox", 1e6),
    ("so2", "so2", 1e6),
    ("pm25", "pm25", 1e6),
)
CONTAINER = "Container Ship"


def make(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """A table of this name: typed, NaN as null, sorted by its key."""
    spec = TABLES[name]
    arrays = [
        value
        if isinstance(value, pa.Array | pa.ChunkedArray)
        else pa.array(value, spec.schema.field(key).type, from_pandas=True)
        for key, value in ((key, columns[key]) for key in spec.columns)
    ]
    table = pa.table(
        [_one(array).cast(spec.schema.field(n).type) for n, array in enumerate(arrays)], schema=spec.schema
    )
    return table.sort_by([(key, "ascending") for key in spec.key]) if len(table) else table


def _one(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def moments(us: NDArray[np.int64]) -> pa.Array:
    """UTC times from microseconds; null at the smallest number."""
    return pa.array(us, pa.int64(), mask=us == _NULL).cast(pa.timestamp("us", tz="UTC"))


def approaches_table(waits: Waits, ships: Sequence[ShipEnergy], voyage: Part) -> pa.Table:
    """One row for each call that was judged."""
    a = waits.approaches
    calls = waits.calls
    grade = a.fleet.grade[a.ship].max(axis=1)
    grade = np.where(np.array(waits.distance_source) == "none", GRADES.index("D"), grade)
    known = np.isfinite(a.distance_nm)
    own = [ships[number] for number in waits.ship.tolist()]
    return make(
        "approaches",
        {
            **{
                name: calls[name]
                for name in ("call_id", "imo", "mmsi", "ship_name", "carrier", "terminal", "berth_h", "simulated")
            },
            "ship_class": [ship.ship_class for ship in own],
            "subtype": [ship.subtype for ship in own],
            "from_port": [name or None for name in waits.from_port],
            "left": moments(waits.left_us),
            "arrival": calls["arrival"],
            "berth_start": calls["berth_start"],
            "distance_nm": a.distance_nm,
            "distance_source": list(waits.distance_source),
            "sailing_h": waits.sailing_h,
            "speed_kn": a.speed_kn,
            "speed_source": ["passage" if k else "class" for k in known.tolist()],
            "wait_h": a.wait_h,
            "min_speed_kn": a.min_speed_kn,
            "eca_nm": np.where(known, a.eca_nm(np.where(known, a.distance_nm, 0.0)), np.nan),
            "voyage_fuel_t": voyage.fuel_t,
            "grade": [GRADES[g] for g in grade.tolist()],
        },
    )


def savings_table(waits: Waits, slowdowns: Sequence[Slowdown], voyage: Part) -> pa.Table:
    """One row for each call and notice to which it applies."""
    parts = []
    calls = waits.calls["call_id"].combine_chunks()
    for s in slowdowns:
        net = s.before.fuel_t - s.after.fuel_t
        with np.errstate(divide="ignore", invalid="ignore"):
            percent, cubic = net / voyage.fuel_t * 100.0, s.cubic_fuel_t / voyage.fuel_t * 100.0
        keep = np.flatnonzero(s.applies)
        columns = {
            "remaining_nm": s.remaining_nm,
            "remaining_h": s.remaining_h,
            "speed_kn": waits.approaches.speed_kn,
            "new_speed_kn": s.new_speed_kn,
            "absorbed_h": s.absorbed_h,
            "left_wait_h": s.left_wait_h,
            "main_saved_kwh": s.before.main_kwh - s.after.main_kwh,
            "aux_saved_kwh": s.before.aux_kwh - s.after.aux_kwh,
            "boiler_saved_kwh": s.before.boiler_kwh - s.after.boiler_kwh,
            "net_saved_kwh": s.before.kwh - s.after.kwh,
            "gross_saved_kwh": s.gross.kwh,
            "net_saved_fuel_t": net,
            "gross_saved_fuel_t": s.gross.fuel_t,
            "net_saved_pct": percent,
            "cubic_pct": cubic,
        }
        parts.append(
            make(
                "savings",
                {
                    "call_id": calls.take(pa.array(keep)),
                    "notice": [s.notice] * len(keep),
                    "bound": [BOUNDS[b] for b in s.bound[keep].tolist()],
                    **{name: values[keep] for name, values in columns.items()},
                },
            )
        )
    return pa.concat_tables(parts).sort_by([(key, "ascending") for key in TABLES["savings"].key])


def emissions_table(waits: Waits, slowdowns: Sequence[Slowdown]) -> pa.Table:
    """One row for each call, notice and pollutant; a pollutant without a factor has none."""
    parts = []
    calls = waits.calls["call_id"].combine_chunks()
    for s in slowdowns:
        for pollutant, basis in _SHOWN:
            name = "wtw_co2e" if basis == "wtw" else pollutant
            before, after, gross = s.before.of(name), s.after.of(name), s.gross.of(name)
            keep = np.flatnonzero(s.applies & np.isfinite(before + after))
            parts.append(
                make(
                    "emissions",
                    {
                        "call_id": calls.take(pa.array(keep)),
                        "notice": [s.notice] * len(keep),
                        "pollutant": [pollutant] * len(keep),
                        "basis": [basis] * len(keep),
                        "before_g": before[keep],
                        "after_g": after[keep],
                        "net_saved_g": (before - after)[keep],
                        "gross_saved_g": gross[keep],
                    },
                )
            )
    return pa.concat_tables(parts).sort_by([(key, "ascending") for key in TABLES["emissions"].key])


def _sum(values: Floats) -> float:
    return math.fsum(values[np.isfinite(values)].tolist())


def summary_table(waits: Waits, slowdowns: Sequence[Slowdown]) -> pa.Table:
    """Sums over all calls a notice applies to; a notice that applies to none has no row."""
    rows: list[dict[str, object]] = []
    for s in [s for s in slowdowns if s.applies.any()]:
        wait = np.where(s.applies, waits.approaches.wait_h, np.nan)
        quantities: list[tuple[str, str, Floats, Floats, Floats | None, float]] = [
            ("energy", "kWh", s.before.kwh, s.after.kwh, s.gross.kwh, 1.0),
            ("fuel", "t", s.before.fuel_t, s.after.fuel_t, s.gross.fuel_t, 1.0),
            *(
                (name, "t", s.before.of(key), s.after.of(key), s.gross.of(key), per)
                for name, key, per in _SUMMED
                if np.isfinite(s.before.of(key)).any()
            ),
            ("waiting", "h", wait, s.left_wait_h, None, 1.0),
        ]
        for name, unit, before, after, gross, per in quantities:
            first, then = _sum(before) / per, _sum(after) / per
            rows.append(
                {
                    "notice": s.notice,
                    "quantity": name,
                    "unit": unit,
                    "before": first,
                    "after": then,
                    "net_saved": first - then,
                    "gross_saved": None if gross is None else _sum(gross) / per,
                    "calls": int(s.applies.sum()),
                }
            )
    return make("summary", {key: [row[key] for row in rows] for key in TABLES["summary"].columns})


def queue_table(waits: Waits, study: QueueStudy) -> pa.Table:
    """One row for each call and policy."""
    parts = []
    carrier = waits.calls["carrier"].take(pa.array(study.rows))
    for policy, outcome in study.outcomes.items():
        n = len(study.rows)
        parts.append(
            make(
                "queue",
                {
                    "call_id": list(study.demand.call),
                    "policy": [policy] * n,
                    "terminal": [study.queues[number] for number in study.demand.queue.tolist()],
                    "carrier": carrier,
                    "booked": moments(study.demand.ready_us if policy == "fcfs" else study.demand.booked_us),
                    "ready": moments(study.demand.ready_us),
                    "berth_start": moments(outcome.replay.start_us),
                    "berth_end": moments(outcome.replay.end_us),
                    "delay_h": outcome.delay_h,
                    "slow_h": outcome.slow_h,
                    "anchorage_h": outcome.anchorage_h,
                    "order": outcome.replay.order,
                    "speed_kn": outcome.speed_kn,
                    "fuel_t": outcome.fuel_t,
                    **{f"{name}_g": values for name, values in outcome.grams.items()},
                },
            )
        )
    return pa.concat_tables(parts).sort_by([(key, "ascending") for key in TABLES["queue"].key])


def fairness_table(waits: Waits, study: QueueStudy) -> pa.Table:
    """Spread of the delay under each policy, over all ships and by carrier."""
    carriers = waits.calls["carrier"].take(pa.array(study.rows)).to_pylist()
    rows = []
    d = study.demand
    for policy, outcome in study.outcomes.items():
        late = overtaken(d.queue, d.ready_us, outcome.replay.start_us, d.call)
        against, pairs = inversions(d.queue, d.ready_us, outcome.replay.start_us, d.call)
        for carrier in [None, *sorted({name for name in carriers if name is not None})]:
            own = np.array([carrier in (None, name) for name in carriers])
            found = spread(outcome.delay_h[own], late[own])
            rows.append(
                {
                    "policy": policy,
                    "carrier": carrier,
                    "calls": found.calls,
                    "mean_delay_h": found.mean_h,
                    "median_delay_h": found.median_h,
                    "p90_delay_h": found.p90_h,
                    "max_delay_h": found.max_h,
                    "gini": found.gini,
                    "overtaken": found.overtaken,
                    "inversions": against if carrier is None else None,
                    "inversion_share": (against / pairs if pairs else 0.0) if carrier is None else None,
                }
            )
    return make("fairness", {key: [row[key] for row in rows] for key in TABLES["fairness"].columns})


def occupancy_table(waits: Waits, study: QueueStudy) -> pa.Table:
    """Ships at anchor and at berth at each full hour of the calls."""
    d = study.demand
    wait_us = np.rint(waits.approaches.wait_h[study.rows] * US_PER_H).astype(np.int64)
    spans = {"observed": (study.observed_start_us - wait_us, study.observed_start_us, study.observed_end_us)}
    for policy, outcome in study.outcomes.items():
        anchored = np.rint(outcome.anchorage_h * US_PER_H).astype(np.int64)
        start = outcome.replay.start_us
        spans[policy] = (start - anchored, start, outcome.replay.end_us)
    first = min(int(begin.min()) for begin, _, _ in spans.values()) // US_PER_H
    last = max(int(end.max()) for _, _, end in spans.values()) // US_PER_H + 1
    hours = np.arange(first, last + 1, dtype=np.int64) * US_PER_H
    assert len(d.call) == len(study.rows)
    parts = [
        make(
            "occupancy",
            {
                "hour": moments(hours),
                "policy": [policy] * len(hours),
                "at_anchor": present(anchored, start, hours),
                "at_berth": present(start, end, hours),
            },
        )
        for policy, (anchored, start, end) in spans.items()
    ]
    return pa.concat_tables(parts).sort_by([(key, "ascending") for key in TABLES["occupancy"].key])


def published_table(waits: Waits, slowdowns: Sequence[Slowdown], voyage: Part, ships: Sequence[ShipEnergy]) -> pa.Table:
    """The published means beside ours, container ships with a known passage only."""
    a = waits.approaches
    container = np.array([ships[number].ship_class == CONTAINER for number in waits.ship.tolist()])
    known = container & np.isfinite(voyage.fuel_t) & (np.nan_to_num(voyage.fuel_t) > 0.0)
    waited = known & (a.wait_h > 0.0)
    published = {
        row.text("case"): row.value for row in load_table("just_in_time_published").find(subject="fuel_saving")
    }
    rows = []
    for s in slowdowns:
        share = (s.before.fuel_t - s.after.fuel_t) / np.where(known, voyage.fuel_t, np.nan) * 100.0
        cubic = s.cubic_fuel_t / np.where(known, voyage.fuel_t, np.nan) * 100.0
        held = waited & (s.bound == BOUNDS.index("minimum_speed"))
        rows.append(
            {
                "notice": s.notice,
                "published_pct": published.get(s.notice),
                "all_pct": _mean(share[known]),
                "waiting_pct": _mean(share[waited]),
                "cubic_pct": _mean(cubic[known]),
                "voyages": int(known.sum()),
                "waited": int(waited.sum()),
                "explanation": _explain(a.wait_h[known], waits.sailing_h[known], int(waited.sum()), int(held.sum())),
            }
        )
    return make("published", {key: [row[key] for row in rows] for key in TABLES["published"].columns})


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _explain(wait_h: Floats, sailing_h: Floats, waited: int, held: int) -> str:
    if not len(wait_h):
        return "No container voyage with a known passage is among the calls."
    return (
        f"Ours: {waited:,} of {len(wait_h):,} container voyages waited, {_mean(wait_h):.1f} h on the mean after "
        f"{_mean(sailing_h):.1f} h at sea; {held:,} of them were held by their least speed. The study took all "
        "container voyages of the world in 2019; its waits, passages, ships and load model are not ours, and its text "
        "does not say how hotel load and a least speed were counted. Ours counts both."
    )


def left_out_table(waits: Waits) -> pa.Table:
    """Calls of the port that could not be judged."""
    return make("left_out", {"call_id": list(waits.left_out), "reason": list(waits.left_out.values())})
