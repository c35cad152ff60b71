"""What a reader must know before trusting a figure, as banners above the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sealane.reports.figures import number, plural

if TYPE_CHECKING:  # it brings DuckDB and pandas, and a node only asks whether a result is simulated
    from sealane.reports.results import Results

_SIMULATED = "simulated"


@dataclass(frozen=True)
class Banner:
    """A warning above the figures; `level` is simulated, empty, caution or note."""

    level: str
    title: str
    text: str
    details: tuple[str, ...] = ()


def is_simulated(results: Results) -> bool:
    """True if any input is simulated, by its name or by what the run noted."""
    return says_simulated(results.provenance, results.quality)


def says_simulated(provenance: Mapping[str, Any], quality: Mapping[str, Any]) -> bool:
    """The same, from the JSON files of a run."""
    files = [file["file"] for file in provenance["inputs"]]
    files += [file["file"] for file in provenance.get("user_files", {}).values()]
    return any(_SIMULATED in text.lower() for text in (*files, *quality.get("notes", ())))


def banners(results: Results, open_ended: Sequence[bool]) -> Iterable[Banner]:
    """The banners of a run; `open_ended` tells for each call whether an end of it was not seen."""
    quality = results.quality
    if is_simulated(results):
        yield Banner("simulated", "SIMULATED DATA", "The figures describe no real ship, no real call and no real port.")
    if not results.ships:
        left_out = quality["vessels_left_out"]
        reasons = [
            f"{plural(int(entry['vessels']), 'vessel')}: {reason}" for reason, entry in left_out["by_reason"].items()
        ]
        yield Banner(
            "empty",
            "This inventory is empty",
            f"No ocean-going vessel is in the data. {plural(left_out['count'], 'vessel was', 'vessels were')} seen and "
            "left out, for these reasons:",
            tuple(reasons),
        )
    if any(open_ended):
        open_calls = sum(open_ended)
        if all(open_ended):
            text = "Every call begins before the data or ends after them: none is complete, all totals are partial."
        else:
            text = (
                f"{open_calls} of {len(open_ended)} calls begin before the data or end after them; their hours and "
                "emissions are those seen, not those of the whole call."
            )
        yield Banner("caution", "Truncated calls", text)
    limits = [z["properties"] for z in results.zones if z["properties"].get("kind") == "port_limit"]
    for limit in limits:
        if limit.get("port") == results.port and limit.get("grade") == "D":
            text = f"{limit['name']}: no published outline (grade D). Its source stands under zones below."
            yield Banner("caution", "The port limit is assumed", text)
    if quality["zones"].get("learnt"):
        yield Banner(
            "caution",
            "Learnt zones",
            f"{plural(quality['zones']['learnt'], 'berth or anchorage was', 'berths and anchorages were')} learnt from "
            "where ships lay still in these data (learnt_zones.geojson). They are no surveyed berths (grade D).",
        )
    unobserved = quality["hours"].get("unobserved_h", 0.0)
    if unobserved > 0:
        yield Banner(
            "caution",
            "Hours without reports",
            f"{number(unobserved)} vessel hours lie in gaps too long to fill; they carry no emissions here.",
        )
    if quality.get("factors_missing"):
        yield Banner(
            "note",
            "Missing factors",
            "Some pollutants have no published factor for some engines. They are left out, not counted as zero:",
            tuple(quality["factors_missing"]),
        )
    said = ("truncated:", "simulated data", "no ocean-going vessel")
    rest = tuple(note for note in quality.get("notes", ()) if not note.lower().startswith(said))
    if rest:
        yield Banner("note", "About these data", "", rest)
