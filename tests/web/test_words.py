"""No text of a page is left in one language only: templates are walked, and every catalogue holds every text."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes

from sealane.web.render import environment
from sealane.web.words import FOLDER, LANGUAGES, Words, best_language

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(Path(name) for name in environment().list_templates())
# Names, units and codes that are the same in every language.
SAME_EVERYWHERE = re.compile(
    r"\b(Sealane|JSON|CSV|PDF|HTML|Excel|Parquet|GeoJSON|UTC|IMO|MMSI|UN/LOCODE|SHA-256|CO2e?|NOx|SO2|PM10|PM2\.5|TEU|"
    r"UUID|ID|OIDC|OpenID|kn|nm|km|kWh|MWh|MJ|GJ|TJ|kW|USD|EUR|GiB|MiB|SMTP|URL|YAML|JWS|DCSA|EDIFACT|SIMU\d+|min|AR[456]|[A-Z][a-z]+/[A-Z][A-Za-z_]+)\b|/[a-z/]+|\.csv"
)
SHOWN_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt", "data-confirm", "data-label", "label", "content"}
# Values of `content` that are told to browsers, not to people.
TECHNICAL = {"width=device-width, initial-scale=1", "light dark"}
_HOLE = "\0"


class _Texts(HTMLParser):
    """Collects what a person would read or hear."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style", "code"}
        named = dict(attrs)
        for name, value in attrs:
            is_shown = name in SHOWN_ATTRIBUTES or (name == "value" and named.get("type") in {"submit", "button"})
            if is_shown and value and value not in TECHNICAL and named.get("name") != "htmx-config":
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style", "code"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def bare_texts(source: str) -> list[str]:
    """Return texts of a template that are in no catalogue."""
    tree = environment().parse(source)
    parts = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            parts.append(node.data if isinstance(node, nodes.TemplateData) else _HOLE)
    reader = _Texts()
    reader.feed("".join(parts))
    reader.close()
    bare = (SAME_EVERYWHERE.sub("", text.replace(_HOLE, " ")).strip() for text in reader.found)
    return [text for text in bare if re.search(r"[^\W\d_]{2,}", text)]


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_templates_hold_no_bare_text(template: Path) -> None:
    source = (ROOT / "src/sealane/web/templates" / template).read_text("utf-8")
    assert bare_texts(source) == []


def test_the_walk_notices_bare_text() -> None:
    assert bare_texts("<p>Hello there</p>") == ["Hello there"]
    assert bare_texts('<img alt="A ship">') == ["A ship"]
    assert bare_texts("{% if x %}<b>Late</b>{% endif %}") == ["Late"]
    assert bare_texts('<p>{{ _("Hello") }} {% trans %}there{% endtrans %} CO2e UTC</p>') == []


def test_catalogues_are_up_to_date_and_whole() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "update_words.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_translations_keep_what_is_filled_in(language: str) -> None:
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    holes = re.compile(r"%\(\w+\)[sd]|%%")
    faults = []
    for message in catalogue:
        if not message.id:
            continue
        text, translated = str(message.id), str(message.string)
        if "%(" in text and sorted(set(holes.findall(text))) != sorted(set(holes.findall(translated))):
            faults.append(f"{text!r} -> {translated!r}")
        if text == translated and re.search(r"[a-z]{4,}", SAME_EVERYWHERE.sub("", text)):
            faults.append(f"{text!r} is not translated")
    assert not faults, "\n".join(faults)


def test_words_fall_back_to_english() -> None:
    assert Words("ja")("a text no catalogue holds") == "a text no catalogue holds"
    assert Words("xx").language == "en"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en;q=0.5, ja;q=0.9", "ja"),
        ("de-DE,de", "en"),
        ("ja;q=x,en", "en"),
        ("*" * 2000, "en"),
    ],
)
def test_the_browsers_language_is_taken(accept: str, language: str) -> None:
    assert best_language(accept) == language
