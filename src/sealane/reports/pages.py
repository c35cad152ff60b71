"""What every report page has in common: template environment, stylesheet, content policy, whole files."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from sealane.reports import figures, tables


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and move it there when it is whole."""
    partial_file = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write(partial_file)
        partial_file.replace(path)
    finally:
        partial_file.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with the same line ends on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def cell(value: Any, column: tables.Column) -> str:
    """Write one value of a table for the page."""
    if column.kind == "time":
        return figures.clock(value)
    if value is None:
        return figures.NONE
    if column.kind == "share":
        return figures.share(value)
    if column.kind in {"number", "integer"} and not isinstance(value, str):
        return figures.number(value)
    if column.title == "MMSI":
        return f"{value:09d}"
    return figures.printable(str(value))


def stylesheet(*names: str) -> str:
    """Stylesheets of the templates folder, one after the other."""
    folder = resources.files("sealane.reports").joinpath("templates")
    css = "\n".join(folder.joinpath(f"{name}.css").read_text("utf-8") for name in names)
    return "\n".join(line for line in css.splitlines() if line.strip())


def policy(css: str) -> str:
    """Content security policy of a page with one inline stylesheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def environment() -> jinja2.Environment:
    """Templates that escape everything and fail on a name they do not know."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("sealane.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # A ship without a name, a mark of direction in one: nothing of the input may act on the page.
        finalize=lambda value: figures.printable(value) if type(value) is str else value,
    )
    made.filters |= {
        "number": figures.number,
        "share": figures.share,
        "clock": figures.clock,
        "cell": cell,
        "percent": lambda part: f"{round(100 * part, 2):g}%",
        "plural": figures.plural,
    }
    return made
