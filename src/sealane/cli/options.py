"""Options that several commands share, defined once so that they read the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sealane.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa


class Method(StrEnum):
    """Published emission method."""

    EPA_2022 = "epa-2022"
    IMO4_2020 = "imo4-2020"


class Gwp(StrEnum):
    """IPCC assessment report whose 100-year warming potentials are used."""

    AR4 = "ar4"
    AR5 = "ar5"
    AR6 = "ar6"


class Engine(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    SPARK = "spark"


Positions = Annotated[
    list[Path],
    typer.Argument(metavar="POSITIONS...", help="One or more files of AIS positions; the format is recognised."),
]
Port = Annotated[str, typer.Option("--port", metavar="UNLOCODE", help="The port, by its UN/LOCODE, e.g. USNYC.")]
Vessels = Annotated[
    Path | None,
    typer.Option("--vessels", metavar="F", help="Vessel particulars, CSV or Excel (see `sealane sample`)."),
]
Zones = Annotated[
    Path | None,
    typer.Option("--zones", metavar="F", help="Zones as GeoJSON; they stand before the shipped ones."),
]
TimeFrom = Annotated[
    str | None,
    typer.Option("--from", metavar="T", help="First moment, ISO 8601 in UTC; earlier positions are left out."),
]
TimeTo = Annotated[
    str | None,
    typer.Option("--to", metavar="T", help="End, ISO 8601 in UTC, itself not included; later positions are left out."),
]
EngineChoice = Annotated[Engine, typer.Option("--engine", help="Work on this machine or on a Spark cluster.")]
SparkMaster = Annotated[
    str | None, typer.Option("--spark-master", metavar="URL", help="Spark master; omitted: local[2].")
]
Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="NAME", help="auto, marinecadastre, dma, generic, parquet or nmea; auto looks at the file."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="For --format generic: which column of the file holds ours, e.g. mmsi=ship_id. Repeatable.",
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Threads to use; omitted: as many as this process may.")
]
MemoryLimit = Annotated[
    str, typer.Option("--memory-limit", metavar="SIZE", help="Memory the reading of files may take, e.g. 700MB.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")]
NodeFolder = Annotated[
    Path, typer.Option("--node", metavar="FOLDER", envvar="SEALANE_NODE", help="Folder of the node.", show_envvar=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def column_mapping(pairs: Sequence[str] | None) -> dict[str, str] | None:
    """Return {our column: their column} of ``OURS=THEIRS`` texts.

    Raises
    ------
    InputError
        If a text is not of that form or a column is given twice.
    """
    if not pairs:
        return None
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (equals and ours.strip() and theirs.strip()):
            raise InputError(f"--column {pair!r} is not of the form OURS=THEIRS, e.g. mmsi=ship_id.")
        if ours.strip() in mapping:
            raise InputError(f"--column gives {ours.strip()!r} twice. Give each column once.")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def named_partner(connection: sa.Connection, partner: str) -> str:
    """Return the participant id of the partner that is meant: its id, or a part of its id or name.

    Raises
    ------
    InputError
        If no registered partner fits, or several do.
    """
    from sealane.exchange.peers import list_peers

    peers = list_peers(connection)
    exact = [peer.participant for peer in peers if peer.participant == partner]
    wanted = partner.casefold()
    near = [p.participant for p in peers if wanted in p.participant.casefold() or wanted in p.name.casefold()]
    found = exact or near
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(peer.participant for peer in peers)) or "none; add one with `sealane peer add`"
    how_many = "No partner fits" if not found else f"{len(found)} partners fit"
    raise InputError(f"{how_many} {partner!r}. Partners of this node: {known}.")
