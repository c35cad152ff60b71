"""Where the counts of an upload come from: what was counted, in which file, by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.imports.store import Import
from sealane.web.imports.undo import Effects
from sealane.web.words import N_

# what -> title, and how it is counted
WHATS: Mapping[str, tuple[str, str]] = {
    "accepted": (N_("Rows taken"), N_("Counted while the whole file was read: rows that gave a record.")),
    "rejected": (
        N_("Rows rejected"),
        N_("Counted while the whole file was read: records that gave no row. Each stands among the rejected rows."),
    ),
    "reasons": (
        N_("Rejected rows and ignored fields"),
        N_("One line of the rejects for each row that was lost and each field that was left out of a row."),
    ),
    "ships": (N_("Ships"), N_("Different ships among the rows taken: by MMSI in positions, else by IMO number.")),
    "change": (
        N_("What applying would change"),
        N_("Each record or ship of the file was compared with what the node held when the file was checked."),
    ),
    "undo": (
        N_("What undoing would do"),
        N_(
            "Counted now: records and results that came with the upload and still stand, and the decisions that let "
            "its records through to partners."
        ),
    ),
    "undone": (N_("What undoing changed"), N_("Counted in the database when the upload was undone.")),
    "outcome": (N_("What applying changed"), N_("Counted in the database when the upload was applied.")),
}


def count_of(one: Import, what: str) -> int | None:
    """Return a count of an upload; None where it has none of this kind.

    Parameters
    ----------
    what : accepted, rejected, ships, reasons, ``reason-N``, ``change-NAME`` or ``outcome-NAME``.
    """
    preview = one.preview or {}
    kind, _, name = what.partition("-")
    found: Any = None
    if what == "accepted":
        found = one.accepted_rows
    elif what == "rejected":
        found = one.rejected_rows
    elif what == "ships":
        found = preview.get("ships")
    elif what == "reasons":
        found = sum(row["rows"] for row in preview.get("reasons", [])) or None
    elif kind == "reason" and name.isdigit() and int(name) < len(preview.get("reasons", [])):
        found = preview["reasons"][int(name)]["rows"]
    elif kind == "change":
        found = (preview.get("changes") or {}).get(name)
    elif kind == "undone":
        undone = (one.outcome or {}).get("undone") or {}
        found = undone.get(name)
        if name == "removed":
            found = undone["records"] - undone["kept"] if "kept" in undone else None
        elif name == "results":
            found = len(found) if isinstance(found, list) else None
    elif kind == "outcome":
        found = (one.outcome or {}).get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def figure_of(one: Import, what: str) -> Figure | None:
    """Return a count as a figure that leads to its derivation."""
    found = count_of(one, what)
    return None if found is None else _figure(one, what, found)


def _figure(one: Import, what: str, value: int, peer: str | None = None) -> Figure:
    simulated = bool(one.options.get("simulated")) or "simulated" in one.file_name.lower()
    path = f"/explain/imports/{one.id}/{what}" + (f"?{urlencode({'peer': peer})}" if peer is not None else "")
    return Figure(value=value, quantity="count", explain=path, simulated=simulated)


def effect_figures(one: Import, effects: Effects) -> dict[str, Any]:
    """Return what undoing would do as figures, by name; those of partners by partner."""
    counts = effects.as_dict() | {"results": len(effects.results)}
    plain = ("records", "restored", "superseded", "public", "used", "results")
    return {name: _figure(one, f"undo-{name}", counts[name]) for name in plain} | {
        name: {peer: _figure(one, f"undo-{name}", number, peer) for peer, number in counts[name].items()}
        for name in ("sent", "released")
    }


def effect_derivation(one: Import, effects: Effects, what: str, peer: str | None) -> Derivation:
    """Return where a count of what undoing would do comes from.

    Raises
    ------
    RequestRefusedError
        404 where there is no such count.
    """
    found = effect_figures(one, effects).get(what.removeprefix("undo-"))
    figure = found.get(peer) if isinstance(found, dict) else found
    if figure is None:
        raise RequestRefusedError(
            404, "unknown-count", Phrase("The upload has no such count."), Phrase("See its page for all.")
        )
    return _derivation(one, what, figure, {N_("partner"): peer} if peer is not None else {}, [])


def derivation_of(one: Import, what: str) -> Derivation:
    """Return where a count comes from.

    Raises
    ------
    RequestRefusedError
        404 where the upload has no such count.
    """
    figure = figure_of(one, what)
    if figure is None:
        raise RequestRefusedError(
            404, "unknown-count", Phrase("The upload has no such count."), Phrase("See its page for all.")
        )
    kind, _, name = what.partition("-")
    filters: dict[str, str] = {}
    parts: list[Part] = []
    if kind == "reason":
        row = (one.preview or {})["reasons"][int(name)]
        filters |= {N_("column"): row["column"] or "–", N_("reason"): row["reason"]}
    if what == "reasons":
        for number, row in enumerate((one.preview or {}).get("reasons", [])):
            found = figure_of(one, f"reason-{number}")
            if found is not None:
                parts.append(Part(label=f"{row['column'] or '–'}: {row['reason']}", figure=found))
    return _derivation(one, what, figure, filters, parts)


def _derivation(one: Import, what: str, figure: Figure, filters: dict[str, str], parts: list[Part]) -> Derivation:
    kind, _, name = what.partition("-")
    title, how = WHATS["reasons" if kind == "reason" else kind]
    counted = {N_("count of"): name.replace("_", " ")} if name and kind != "reason" else {}
    return Derivation(
        title=title,
        figure=figure,
        filters={N_("file"): one.file_name, **counted, **filters},
        parts=parts,
        part_dimension=N_("reason") if parts else "",
        inputs=[
            Input(
                name=N_("file as it was sent"),
                value=float(one.size_bytes),
                unit="B",
                origin="entered",
                source=f"SHA-256 {one.digest or '–'}, {one.created_by}",
                link=f"/data/{one.id}",
            )
        ],
        notes=[how],
        exports={"CSV": f"/api/v1/imports/{one.id}/rejects.csv"} if kind in {"rejected", "reason", "reasons"} else {},
    )
