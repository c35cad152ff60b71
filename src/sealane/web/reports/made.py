"""Files of reports: made once from a kept result, kept beside it, sent with what lets a browser keep them, too."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse

import sealane
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.web.results import Result

if TYPE_CHECKING:  # writers of reports take long to load
    from sealane.reports.commitments import Promise

    Promised = Sequence[Promise] | None
ReportForm = Literal["html", "pdf", "xlsx"]
TableForm = Literal["csv", "xlsx", "parquet", "geojson"]
FOLDER = ".reports"
"""Folder inside a result's own in which its reports are kept; it goes when the result goes."""
COMMITMENTS = "commitments"
"""Table of what agreements promise; not of the result, and so not of its digest."""
KEPT_S = 3600.0
WAIT_S = 20.0
RETRY_AFTER_S = 30
# A report takes a processor and some hundred megabytes for a second or more: few are made at once, few wait. Whoever
# waits holds one of the threads that serve every other page, and partners.
AT_ONCE = 2
IN_LINE = 6
_PLACES = threading.BoundedSemaphore(AT_ONCE)
_LINE = threading.BoundedSemaphore(AT_ONCE + IN_LINE)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


@contextmanager
def place() -> Iterator[None]:
    """Wait for a place to work in.

    Raises
    ------
    RequestRefusedError
        503 where there is none for some time, or too many wait already.
    """
    if not _LINE.acquire(blocking=False):
        raise _busy()
    try:
        if not _PLACES.acquire(timeout=WAIT_S):
            raise _busy()
        try:
            yield
        finally:
            _PLACES.release()
    finally:
        _LINE.release()


def _busy() -> RequestRefusedError:
    return RequestRefusedError(
        503,
        "busy",
        Phrase("Other reports are being made."),
        Phrase("Try again in a while."),
        retry_after_s=RETRY_AFTER_S,
    )


def report_response(
    request: Request, result: Result, form: ReportForm, year: int | None, promised: Promised = None
) -> Response:
    """Answer with a report, made now if it has not been made.

    Parameters
    ----------
    promised : commitments for the annual report of a corridor; None for who may not see them.

    Raises
    ------
    RequestRefusedError
        404 for a year the result knows nothing of, 409 where its files do not give a report, 503 where too many are
        being made.
    """
    told = "" if year is None or promised is None else _digest(promised)
    tag = _tag(result, form, f"{year} {told}")
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=_HEADERS | {"ETag": tag})
    path = _made(result, form, year, promised, told)
    name = _file_name(result, form, year)
    shown = "attachment" if form == "xlsx" else "inline"
    headers = _HEADERS | {"ETag": tag, "Content-Disposition": f'{shown}; filename="{name}"'}
    if form == "html":
        text = path.read_text("utf-8")
        return Response(text, headers=headers | {"Content-Security-Policy": own_policy(text)}, media_type=_TYPES[form])
    # FileResponse makes a tag of its own from the file's time; ours is of the content.
    return FileResponse(path, headers=headers, media_type=_TYPES[form])


def table_response(
    request: Request, result: Result, table: str, form: TableForm, bom: bool, promised: Promised = None
) -> Response:
    """Answer with a table as it is written, a piece at a time; errors as `report_response`."""
    from sealane.reports.export import ExportFormat, export, export_folder

    told = "" if promised is None or table != COMMITMENTS else _digest(promised)
    tag = _tag(result, form, f"{table} {bom} {told}")
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=_HEADERS | {"ETag": tag})
    try:
        found = export_folder(result.folder, promised)
        made = export(found, table, ExportFormat(form), bom=bom and form == "csv")
    except DataError as error:
        raise _refused(error, 404, "unknown-table", Phrase("See the report's page for its tables.")) from None
    headers = _HEADERS | {"ETag": tag, "Content-Disposition": f'attachment; filename="{made.name}"'}
    chunks = iter(made.chunks)
    with place():
        # The costly part of a file is its first piece. It is made before anything is sent: where there is no place for
        # that, the answer says so, and is not a file that breaks off.
        first = next(chunks, b"")
    return StreamingResponse(chain((first,), chunks), headers=headers, media_type=made.media_type)


def own_policy(html: str) -> str:
    """Content security policy of a page that stands alone: its own styles and scripts by their hashes, nothing else.

    Parameters
    ----------
    html : page whose styles and scripts stand in its head.
    """
    found = _Inline()
    found.feed(html)
    found.close()
    styles, scripts = (" ".join(_hash(text) for text in texts) for texts in (found.styles, found.scripts))
    parts = ["default-src 'none'", f"style-src {styles or chr(39) + 'none' + chr(39)}"]
    parts += [f"script-src {scripts}"] if scripts else []
    # Nothing on a report's page sends, opens or embeds anything.
    return "; ".join((*parts, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "sandbox"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


class _Inline(HTMLParser):
    """Collects styles and scripts that stand in the head; what stands in the body is not let in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] | None = None
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin one."""
        del attrs
        self._in_head = (self._in_head or tag == "head") and tag != "body"
        if self._in_head and tag in {"style", "script"}:
            self._open = self.styles if tag == "style" else self.scripts
            self._open.append("")

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if tag in {"style", "script"}:
            self._open = None

    def handle_data(self, data: str) -> None:
        """Keep its text."""
        if self._open is not None:
            self._open[-1] += data


def _tag(result: Result, form: str, what: str) -> str:
    text = f"{result.digest} {result.id} {sealane.__version__} {form} {what}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _file_name(result: Result, form: str, year: int | None) -> str:
    """A name of ASCII letters, digits, ``-`` and ``_``: no header and no file system takes any of it for more."""
    about = result.port or result.corridor or result.title
    days = [f"{time:%Y-%m-%d}" for time in (result.begins_at, result.ends_at) if time is not None]
    parts = ["SIMULATED"] if result.simulated else []
    parts += [result.kind.value, about, *([str(year)] if year is not None else days)]
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in "-".join(parts))
    return f"{kept[:120].strip('-')}.{form}"


def _made(result: Result, form: ReportForm, year: int | None, promised: Promised, told: str) -> Path:
    """Return the file of a report, which is made where it has not been.

    Commitments change while the result does not: a report that tells them is kept under their digest, `told`.
    """
    folder = result.folder / FOLDER
    stem = f"{sealane.__version__}-{'whole' if year is None else year}"
    path = folder / f"{stem}{f'-{told}' if told else ''}.{form}"
    if path.is_file():
        return path
    with place():
        if path.is_file():  # somebody else made it while we waited
            return path
        folder.mkdir(mode=0o700, exist_ok=True)
        if told:
            _clear(folder.glob(f"{stem}-*.{form}"))
        try:
            _make(result.folder, path, form, year, promised)
        except DataError as error:
            if year is not None and any(fault.where == f"year {year}" for fault in error.faults):
                raise _refused(error, 404, "unknown-year", Phrase("See the report's page for its years.")) from None
            raise _refused(error, 409, "no-report", Phrase("Have the result worked out again.")) from None
    return path


def _clear(before: Iterable[Path]) -> None:
    """Remove what told commitments as they stood before; somebody may still be sent a file of the last hour."""
    for path in before:
        with suppress(FileNotFoundError):  # somebody else did
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink()


def _digest(promised: Sequence[Promise]) -> str:
    text = json.dumps([asdict(one) for one in promised], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make(folder: Path, path: Path, form: ReportForm, year: int | None, promised: Promised) -> None:
    if form == "pdf":
        from sealane.reports.pdf import write_pdf

        write_pdf(folder, path, year=year, promised=promised)
        return
    from sealane.reports.pages import replace_file
    from sealane.reports.whole import write_html, write_xlsx

    write = write_html if form == "html" else write_xlsx
    replace_file(path, lambda partial: write(folder, partial, year, promised))


def _refused(error: DataError, status: int, kind: str, remedy: str) -> RequestRefusedError:
    """A refusal that says what is wrong, but not where on this machine the files lie."""
    faults = [Fault(Path(fault.where).name, fault.found, "") for fault in error.faults[:10]]
    return RequestRefusedError(status, kind, Phrase("This file cannot be made."), remedy, faults)
