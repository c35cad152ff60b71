"""The page docs/reference/data-products.md, made from the tables that the payloads are checked by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sealane.products import own_schemas
from sealane.products.catalogue import DATASETS
from sealane.products.edifact.coarri import REPORT as COARRI
from sealane.products.edifact.codeco import REPORT as CODECO
from sealane.products.edifact.iftsta import STATUSES
from sealane.products.milestones_csv import COLUMNS, REQUIRED
from sealane.products.shapes import Group, leaf_table

_OWN = {
    "emission-results": own_schemas.EMISSION_RESULT,
    "environment-observations": own_schemas.ENVIRONMENT_OBSERVATION,
    "trial-results": own_schemas.TRIAL_RESULT,
    "documents": own_schemas.DOCUMENT,
}
_INTRODUCTION = """# Data products

What a node can hold, share under a clause, and open to the public. Each is checked when it comes in: forms, codes,
check digits, lengths, times with a zone. Every fault is told with its path, and a faulty request stores nothing.

How to fill them: [Load data](../how-to/load-data.md).

| id | title | standard | fields |
|---|---|---|---|
"""
_RULES = """
## What holds for all

- **Own and received.** A record belongs to the participant it came from; one id from two sources is two records.
- **Again and anew.** The same content again changes nothing. New content under the same id replaces it, unless it
  is older.
- **When it is known.** `known_at` is the payload's own time of update where it has one, else the time of arrival. A
  clause's delay counts from there.
- **Simulated.** What is loaded as simulated, or calls itself `SIMULATED`, is marked so; answers that hold any carry
  `X-Simulated: true`.
- **Notes.** What may stand but is probably not meant (a property that the standard does not have, a code beside a
  service it does not go with) is told as a note, DCSA's `WARN`, and refuses nothing.
- **Check digits.** Of IMO numbers of port calls, of container numbers in the form of ISO 6346: wrong is refused. Of
  the IMO number that is only named beside a milestone or schedule: told, kept, and not used to join or filter,
  because DCSA's own published examples carry such.
- **Required fields.** A clause must let these leaves through, or it is refused when it is written: without them the
  trimmed record would break its standard or say the opposite (`isCanceled`, `isRetracted`).
"""
_INTERFACES = """
## Interfaces

| product | path | |
|---|---|---|
| `port-calls` | `GET`, `POST /dcsa/port-call/v2/events` | DCSA Port Call 2.0.0 |
| `container-milestones` | `GET`, `POST /dcsa/track-and-trace/v3/events` | DCSA Track & Trace 3.0.0 |
| `vessel-schedules` | `GET /dcsa/schedules/v3/service-schedules` | DCSA Operational Vessel Schedules 3.0.2 |

- `GET` wants a token of the role reader or operator, and gives what the node holds. A partner's token of a stream
  gives what that stream's clause lets through: each record is decided and trimmed when it is read, filters see only
  what the partner may see, and the log gets an entry.
- `POST` wants the role feed or operator; 1,000 events at most in one request, all or none of them.
- A page has 100 records, 1,000 at most (`limit`); schedules 100 services. `Next-Page-Cursor` names the next page.
- Unknown and doubled parameters are refused, not ignored: a misspelt filter would give everything.
- Errors have the form of the standard (`feedbackElements`, or DCSA's `ErrorResponse` for schedules).
- `eventTimestampMin` and `eventTimestampMax` of port calls go by `timestamp.serviceDateTime`. `timestampID` goes by
  `eventID`, since the standard has no property for it.
- A match on one call gives the whole voyage, as the standard says, or with `responseScope=MATCHED_CALLS` the call
  alone.
"""


def products_page() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION]
    parts += [f"| `{d.id}` | {d.title} | {d.standard} | {len(d.fields)} |\n" for d in DATASETS.values()]
    parts += [_RULES, _INTERFACES, "\n## Required fields\n\n| product | leaves |\n|---|---|\n"]
    parts += [f"| `{d.id}` | {', '.join(f'`{name}`' for name in d.required)} |\n" for d in DATASETS.values()]
    for dataset, shape in _OWN.items():
        parts.append(f"\n## {dataset}\n\n{DATASETS[dataset].description}\n\n")
        parts.append("A JSON object; a property that is not listed is refused.\n\n")
        parts += _table(("property", "form", "meaning"), _own_rows(shape))
    parts.append(
        "\n## Container milestones from CSV\n\nOne row an event; a header line; UTF-8; comma or semicolon.\n\n"
    )
    rows = ((f"`{name}`", "yes" if name in REQUIRED else "", text) for name, (_, text) in COLUMNS.items())
    parts += _table(("column", "must be there", "meaning"), rows)
    parts += _edifact()
    return "".join(parts)


def _own_rows(shape: Group) -> Iterator[tuple[str, str, str]]:
    for name, leaf in leaf_table(shape):
        marked = f"`{name}`" + (" *" if name in shape.required else "")
        yield marked, leaf.kind, leaf.meaning


def _edifact() -> list[str]:
    parts = [
        "\n## EDIFACT\n\n",
        "CODECO and COARRI of directory D.95B and later, IFTSTA of D.00B and later; syntax UNOA, UNOB, UNOC, UNOW ",
        "and UNOY. Checked are counts and references of UNB/UNZ and UNH/UNT, the order of the segments, mandatory ",
        "segments, qualifiers, times (formats 201, 203, 204, 205, 303), check digits of containers and ships, ",
        "UN/LOCODE, the control total. A time without a zone needs `--time-zone`. A message with a fault is refused ",
        "whole; with a faulty ",
        "envelope, the interchange.\n\n",
    ]
    rows = [("CODECO", f"BGM {code}", f"`{event}`") for code, event in CODECO.names.items()]
    rows += [("COARRI", f"BGM {code}", f"`{event}`") for code, event in COARRI.names.items()]
    rows += [
        ("IFTSTA", f"STS {code}", f"`{kind.get('equipmentEventTypeCode') or kind['transportEventTypeCode']}`")
        for code, kind in STATUSES.items()
    ]
    return [*parts, *_table(("message", "code", "milestone"), rows)]


def _table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n"
