"""Make the gallery again: run each script of docs/gallery, write its picture and put what it prints into its page.

    python scripts/make_gallery.py [NAME...]

A test (tests/reports/test_gallery.py) makes the same things and compares them with what stands in docs.
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "gallery"
PICTURES = ROOT / "docs" / "images" / "gallery"
EXAMPLES = ROOT / "examples"
OUTPUT = re.compile(r"(Output of `examples/(\w+)\.py`:\n\n```text\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


def scripts() -> dict[str, Path]:
    """Scripts of the gallery and the pages they stand on."""
    found = {}
    for page in sorted(PAGES.glob("*.md")):
        for match in OUTPUT.finditer(page.read_text("utf-8")):
            found[match[2]] = page
    return found


def made(name: str) -> tuple[str, str]:
    """What a script prints, and the text of its picture."""
    from sealane.reports.chart_picture import picture

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return printed.getvalue(), picture(names["chart"](), names["SOURCE"])


def with_output(text: str, name: str, printed: str) -> str:
    """The page with that output."""
    return OUTPUT.sub(lambda m: m[1] + printed + m[4] if m[2] == name else m[0], text)


def main() -> None:
    """Write pictures and pages."""
    wanted = sys.argv[1:]
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, page in scripts().items():
        if wanted and name not in wanted:
            continue
        printed, drawn = made(name)
        (PICTURES / f"{name}.svg").write_text(drawn, encoding="utf-8", newline="\n")
        page.write_text(with_output(page.read_text("utf-8"), name, printed), encoding="utf-8", newline="\n")
        print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
