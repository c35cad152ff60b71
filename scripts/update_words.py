"""Bring the catalogues of texts up to what templates and code say: new texts are added empty, gone ones removed.

    python scripts/update_words.py [--check]

With --check nothing is written; the exit code is 1 where a catalogue is not up to date or lacks a translation.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).resolve().parents[1] / "src" / "sealane" / "web"
NODE = WEB.parent / "node"  # its refusals show on pages, too
# Of other rooms only the modules whose faults pages tell.
MODULES = ("exchange/activities.py", "reports/export.py", "reports/lane_report.py", "reports/pdf.py")
METHODS = [("**.py", "python"), ("**.j2", "jinja2")]
OPTIONS = {"**.j2": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.i18n,jinja2.ext.do"}}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(("_", "gettext", "N_", "Phrase")),
    "ngettext": (1, 2),
}


def texts() -> dict[str, list[tuple[str, int]]]:
    """Return every text marked for translation, with the places it stands at."""
    found: dict[str, list[tuple[str, int]]] = {}
    for folder in (WEB, NODE):
        for file, line, message, _, _ in extract_from_dir(str(folder), METHODS, OPTIONS, KEYWORDS):
            for text in [message] if isinstance(message, str) else [one for one in message if one]:
                found.setdefault(text, []).append((file if folder is WEB else f"{folder.name}/{file}", line))
    for file in MODULES:
        for line, message, _, _ in extract_from_file("python", WEB.parent / file, {"Phrase": None}):
            found.setdefault(str(message), []).append((file, line))
    return found


def updated(language: str) -> tuple[Catalog, list[str]]:
    """Return a language's catalogue with the texts of today, and those that lack a translation."""
    with (WEB / "locale" / f"{language}.po").open("rb") as file:
        held = read_po(file, locale=language)
    made = Catalog(locale=language, header_comment=f"# Texts of Sealane's pages: {language}.", fuzzy=False)
    lacking = []
    for text, places in sorted(texts().items()):
        before = held.get(text)
        string = before.string if before is not None and not before.fuzzy else ""
        flags = ["python-format"] if "%(" in text else []
        made.add(
            text, string or "", locations=[(file, 0) for file in sorted({file for file, _ in places})], flags=flags
        )
        if not string:
            lacking.append(text)
    return made, lacking


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as a file: sorted, without dates, so that a change shows what changed."""
    out = io.BytesIO()
    write_po(out, catalogue, width=120, omit_header=False, include_lineno=False, sort_output=True)
    lines = out.getvalue().decode().splitlines()
    dated = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Language-Team')
    kept = [line for line in lines if not line.startswith((*dated, '"Project-Id', '"Report-Msgid'))]
    return ("\n".join(kept) + "\n").encode()


def main() -> int:
    """Write or check the catalogues."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    code = 0
    for path in sorted((WEB / "locale").glob("*.po")):
        catalogue, lacking = updated(path.stem)
        content = written(catalogue)
        stale = path.read_bytes() != content
        if not options.check:
            path.write_bytes(content)
        elif stale or lacking:
            code = 1
        sys.stdout.write(f"{path.name}: {len(list(catalogue)) - 1} texts, {len(lacking)} without a translation")
        sys.stdout.write(", not up to date\n" if stale and options.check else "\n")
        for text in lacking[: 400 if options.check else 0]:
            sys.stdout.write(f"  {text!r}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
