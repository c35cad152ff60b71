"""A derivation as a table: what the figure is the sum of, or what it was worked out from, with full precision."""

from __future__ import annotations

import csv
import io

from fastapi import Response

from sealane.spreadsheet_text import inert
from sealane.web.derivation import Derivation
from sealane.web.formats import unit_name

# What a page shows in another unit than the value is in, or in no unit of its own.
_OWN_UNITS = {"mass_g": "g", "mass_kg": "kg", "count": "", "share": "1", "ratio": "1"}


def exported(found: Derivation) -> Derivation:
    """The derivation with the address of itself as a table."""
    path, _, query = found.figure.explain.partition("?")
    link = f"/api/v1{path}/parts.csv" + (f"?{query}" if query else "")
    return found.model_copy(update={"exports": {"CSV": link} | found.exports})


def csv_answer(found: Derivation, origin: str) -> Response:
    """Answer a derivation as a file."""
    headers = {"Content-Disposition": 'attachment; filename="derivation.csv"'}
    return Response(derivation_csv(found, origin), media_type="text/csv; charset=utf-8", headers=headers)


def derivation_csv(found: Derivation, origin: str) -> str:
    """Return figure, parts and inputs, one a row; no cell is a live formula.

    Parameters
    ----------
    origin : of the node, before the paths of derivations.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["kind", "name", "value", "unit", "origin", "grade", "source", "simulated", "derivation"])
    simulated = "SIMULATED" if found.figure.simulated else ""
    own = found.figure
    rows: list[tuple[str, str, float | str | None, str, str, str | None, str, str | None]] = [
        ("figure", found.title, own.value, _unit(own.quantity, own.unit), "", own.grade, found.method, own.explain),
        *(
            ("part", one.label, one.figure.value, _unit(one.figure.quantity, one.figure.unit), "", one.figure.grade, "",
             one.figure.explain)
            for one in found.parts
        ),
        *(("input", i.name, i.value, i.unit, i.origin, i.grade, i.source, i.link) for i in found.inputs),
        *(("published", f"{r.table}: {r.key}", r.value, r.unit, "published", r.grade, f"{r.source}; {r.edition}", None)
          for r in found.rows),
    ]  # fmt: skip
    for kind, name, value, unit, how, grade, source, link in rows:
        text = "" if value is None else inert(value) if isinstance(value, str) else repr(value)
        address = f"{origin}{link}" if link else ""
        writer.writerow(
            [kind, inert(name), text, inert(unit), how, grade or "", inert(source), simulated, inert(address)]
        )
    return out.getvalue()


def _unit(quantity: str, unit: str | None) -> str:
    """The unit the value itself is in, whatever a page shows."""
    own = _OWN_UNITS.get(quantity)
    return unit or (unit_name(quantity) if own is None else own)
