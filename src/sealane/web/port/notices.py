"""What to know before a figure of a result is trusted, from what the run said of its own data."""

from __future__ import annotations

from sealane.web.derivation import Figure
from sealane.web.explain.quality import ITEMS, value_of
from sealane.web.explain.selection import Basis, Pollutant, explain_path
from sealane.web.port.index import Index
from sealane.web.port.models import Notice

# Said by notices of their own, or by the mark SIMULATED.
_SAID = ("truncated:", "simulated data", "no ocean-going vessel")


def notices(
    index: Index, result_id: str, pollutant: Pollutant, basis: Basis, *, simulated: bool, complete: int
) -> list[Notice]:
    """Return the notices of a result, cautions first.

    Parameters
    ----------
    pollutant, basis : the mass shown, whose share on filled inputs is told.
    complete : port calls of which both ends were seen.
    """
    quality = index.meta["quality"]

    def counted(item: str) -> Figure:
        path = explain_path(result_id, quantity="quality", item=item)
        return Figure(value=value_of(quality, item), quantity=ITEMS[item][0], explain=path, simulated=simulated)

    def has(item: str) -> bool:
        return bool(value_of(quality, item))

    found: list[Notice] = []
    calls = int(index.meta["totals"]["calls"])
    if not index.meta["totals"]["ships"]:
        reasons = quality["vessels_left_out"]["by_reason"]
        found.append(Notice(kind="empty", level="caution", figures=[counted("vessels_left_out")], texts=list(reasons)))
    if complete < calls:
        path = explain_path(result_id, quantity="calls", truncated="none")
        seen = Figure(value=float(complete), quantity="count", explain=path, simulated=simulated)
        every = seen.model_copy(
            update={"value": float(calls), "explain": explain_path(result_id, quantity="calls", by="truncated")}
        )
        found.append(Notice(kind="truncated", level="caution", figures=[seen, every]))
    total = index.meta["totals"].get(f"{pollutant}-{basis}")
    if total and total["all"] > 0 and total["filled"] > 0:
        path = explain_path(result_id, quantity="filled", pollutant=pollutant, basis=basis)
        share = Figure(value=total["filled"] / total["all"], quantity="share", explain=path, simulated=simulated)
        found.append(Notice(kind="filled", level="caution", figures=[share]))
    assumed = [limit for limit in index.meta["port_limits"] if limit["grade"] == "D"]
    found += [Notice(kind="port_limit", level="caution", texts=[limit["name"], limit["source"]]) for limit in assumed]
    if has("zones.learnt"):
        found.append(Notice(kind="learnt_zones", level="caution", figures=[counted("zones.learnt")]))
    if has("hours.unobserved_h"):
        found.append(Notice(kind="unobserved", level="caution", figures=[counted("hours.unobserved_h")]))
    if has("rows_rejected"):
        found.append(Notice(kind="rejected", level="caution", figures=[counted("rows_rejected"), counted("rows_read")]))
    if has("vessels_left_out"):
        found.append(Notice(kind="left_out", level="note", figures=[counted("vessels_left_out")]))
    compared, agree = (value_of(quality, f"status_and_mode.{name}") for name in ("compared", "agree"))
    if compared and agree is not None and agree < compared:
        figures = [counted("status_and_mode.agree"), counted("status_and_mode.compared")]
        found.append(Notice(kind="status", level="note", figures=figures))
    if quality.get("factors_missing"):
        found.append(Notice(kind="factors_missing", level="note", texts=quality["factors_missing"]))
    rest = [note for note in quality.get("notes", ()) if not note.lower().startswith(_SAID)]
    if rest:
        found.append(Notice(kind="notes", level="note", texts=rest))
    return sorted(found, key=lambda notice: notice.level != "caution")
