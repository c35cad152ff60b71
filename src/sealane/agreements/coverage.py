"""What the program does for each area, system and aim the documents name, and what is not built yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sealane.agreements.catalogue import Catalogue
from sealane.agreements.documents_reader import Fields, read_yaml
from sealane.agreements.model import Agreement, Area
from sealane.errors import DataError, Fault

SHIPPED = Path(__file__).with_name("coverage.yaml")


class State(StrEnum):
    """How far an area is served."""

    BUILT = "built"
    PARTLY_BUILT = "partly built"
    NOT_BUILT = "not built"


@dataclass(frozen=True)
class CoverageRow:
    """One area and what serves it.

    Attributes
    ----------
    object : importable name, e.g. ``sealane.run_inventory``; empty where nothing is built.
    command : words after ``sealane``.
    page : path of the page under ``docs/``.
    note : what exactly is covered, and what is not.
    """

    area: Area
    state: State
    object: str = ""
    command: str = ""
    page: str = ""
    note: str = ""


def read_coverage(catalogue: Catalogue, path: Path = SHIPPED) -> tuple[CoverageRow, ...]:
    """Return one row per area of the catalogue, in its order; what the file does not name is not built.

    Raises
    ------
    DataError
        Lists every fault of the file.
    """
    faults: list[Fault] = []
    rows: dict[str, CoverageRow] = {}
    for key, entry in read_yaml(path, faults).items():
        fields = Fields(f"{path.name}: {key}", entry, faults)
        state = fields.choice("state", [State.BUILT, State.PARTLY_BUILT])
        names = [fields.take(name, str, remedy) for name, remedy in _REMEDIES.items()]
        note = fields.take("note", str, "Say what is not covered", "" if state == State.BUILT else None)
        if state == State.PARTLY_BUILT and not note:
            fields.fault("note", "is missing", "Say what is covered and what is not")
        fields.close()
        if key not in catalogue.areas:
            faults.append(Fault(f"{path.name}: {key}", "no such area", "Give an id of areas.yaml"))
        elif state is not None and None not in names:
            found, command, page = names
            rows[key] = CoverageRow(catalogue.areas[key], State(state), found, command, page, note or "")
    if faults:
        raise DataError(f"{path} cannot be used.", faults)
    return tuple(rows.get(key, CoverageRow(area, State.NOT_BUILT)) for key, area in catalogue.areas.items())


_REMEDIES: Mapping[str, str] = {
    "object": "Give the importable name that serves it",
    "command": "Give the command that serves it",
    "page": "Give the page that describes it",
}


def coverage_markdown(catalogue: Catalogue, rows: tuple[CoverageRow, ...]) -> str:
    """Return the coverage page."""
    not_built = [row for row in rows if row.state is State.NOT_BUILT]
    sources = "\n".join(f"- **{s.id}**: {s.title}, {s.publisher}" for s in catalogue.sources.values())
    lines = [
        "# What is covered, and what is not",
        "",
        "Every area of cooperation, system and aim that the two public documents on the Port of Los Angeles's",
        "agreements name, and what this program does for it. Line numbers count the lines of a document's text.",
        "",
        sources,
        "",
        f"{len(rows)} entries, {len(not_built)} of them *not built*. A change may only shorten that list; a test",
        "sees to it.",
        "",
        "| area, system or aim | kind | named in | agreements | state | object | command | page |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        area = row.area
        named = "; ".join(map(str, area.named_in))
        used = [a for a in catalogue.agreements if area in a.areas]
        state = f"*{row.state}*" if row.state is State.NOT_BUILT else row.state.value
        note = f": {row.note}" if row.note else ""
        page = f"[{row.page}](../{row.page})" if row.page else ""
        lines.append(
            f"| {area.name} (`{area.id}`) | {area.kind} | {named} | {_names(used)} | {state}{note} "
            f"| {_code(row.object)} | {_code(row.command and 'sealane ' + row.command)} | {page} |"
        )
    lines += [
        "",
        "## The agreements themselves",
        "",
        "Each is a document of the program: `sealane agreement list`, `sealane agreement show ID`,",
        "`sealane.load_agreements()`.",
        "",
        "| id | kind | year | status | source |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{a.id}` | {a.kind} | {a.year or '-'} | {a.status} | {'; '.join(map(str, a.sources))} |"
        for a in catalogue.agreements
    ]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _names(agreements: list[Agreement]) -> str:
    return ", ".join(f"`{agreement.id}`" for agreement in agreements)
