"""Explain: every figure of an inventory opens its derivation; as a page, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from typing import Annotated

from fastapi import Path, Query, Response

from sealane.node.context import Node
from sealane.spreadsheet_text import inert
from sealane.web.accounts.gate import Viewed, Viewer, reading
from sealane.web.explain.derive import Subject, derive
from sealane.web.explain.model import InventoryDerivation
from sealane.web.explain.selection import Selection
from sealane.web.port.index import index_of
from sealane.web.results import ResultKind, result_of
from sealane.web.rooms import Room

ResultId = Annotated[str, Path(max_length=36)]
Wanted = Annotated[Selection, Query()]


def room(node: Node) -> Room:
    """Return the room."""
    made = Room("explain", node)

    @made.view("/explain/inventory/{result_id}", "explain/inventory.html.j2")
    def explained(viewer: Viewed, result_id: ResultId, selection: Wanted) -> InventoryDerivation:
        """Where a figure of an inventory comes from."""
        return derive(subject_of(node, viewer, result_id), selection)

    @made.stream("/explain/inventory/{result_id}/parts.csv", "text/csv")
    def parts(viewer: Viewed, result_id: ResultId, selection: Wanted) -> Response:
        """The parts of a figure as a table."""
        found = derive(subject_of(node, viewer, result_id), selection)
        headers = {"Content-Disposition": 'attachment; filename="derivation.csv"'}
        return Response(parts_csv(found, node.settings.origin), media_type="text/csv; charset=utf-8", headers=headers)

    return made


def subject_of(node: Node, viewer: Viewer, result_id: str) -> Subject:
    """Return a kept inventory that the viewer may see.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    with reading(node, viewer) as connection:
        found = result_of(connection, node, result_id, {ResultKind.INVENTORY}, only_public=viewer.is_guest)
    return Subject(found.id, found.simulated, found.digest, index_of(node, found))


def parts_csv(found: InventoryDerivation, origin: str) -> str:
    """The parts with full precision, so that their sum is the figure; no cell is a live formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    unit = "" if found.figure.quantity == "count" else found.figure.quantity.rpartition("_")[2]
    writer.writerow(["part", f"value [{unit}]" if unit else "value", "grade", "simulated", "derivation"])
    for part in found.parts:
        link = f"{origin}{part.figure.explain}"
        value = "" if part.figure.value is None else repr(part.figure.value)
        writer.writerow([inert(part.label), value, part.figure.grade or "", _yes(found), inert(link)])
    return out.getvalue()


def _yes(found: InventoryDerivation) -> str:
    return "SIMULATED" if found.figure.simulated else ""
