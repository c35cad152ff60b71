"""Numbers of a page that open no derivation, and the few kinds of them that are no figures, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

from babel.messages.pofile import read_po

from sealane.web.words import FOLDER

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_BLOCK = {"p", "li", "td", "th", "dd", "dt", "div", "summary", "h1", "h2", "h3", "caption", "figcaption", "label"}


@dataclass
class Element:
    """An element while it is open, and what stood in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    holds: set[str] = field(default_factory=set)

    @property
    def classes(self) -> set[str]:
        return set((self.attributes.get("class") or "").split())


@dataclass(frozen=True)
class Piece:
    """A text of a page with a digit in it that is in no figure.

    Attributes
    ----------
    text : the words of it.
    path : the elements around it inside ``main``, the outermost first.
    """

    text: str
    path: tuple[Element, ...]

    def inside(self, tag: str, *classes: str) -> bool:
        """Whether it stands in such an element."""
        return any(one.tag == tag and one.classes >= set(classes) for one in self.path)

    def around(self, tag: str) -> Element | None:
        """The innermost element of a kind around it."""
        return next((one for one in reversed(self.path) if one.tag == tag), None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[Element] = []
        self.pieces: list[Piece] = []
        self.links: list[str] = []
        self.figures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href"):
            self.links.append(str(attributes["href"]))
            self.figures += "data-figure" in attributes
        made = Element(tag, attributes)
        for one in self.open:
            one.holds |= {tag, *(f"{tag}.{name}" for name in made.classes)}
        if tag not in _VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of a drawing that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data
        tags = [one.tag for one in self.open]
        if "main" not in tags or not re.search(r"\d", data):
            return
        inside = self.open[tags.index("main") + 1 :]
        if not any(one.tag == "a" and "data-figure" in one.attributes for one in inside):
            self.pieces.append(Piece(" ".join(data.split()), tuple(inside)))


@dataclass(frozen=True)
class Page:
    """What was found on a page: bare pieces, links, how many figures."""

    pieces: list[Piece]
    links: list[str]
    figures: int


def read_page(html: str) -> Page:
    """Return the numbers of a page outside its figures."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(reader.pieces, reader.links, reader.figures)


# Where a number stands: kind, and why it is no figure.
PLACES: dict[str, str] = {
    "time": "a moment; it says when, not how much",
    "code": "identifiers, digests, addresses and documents, byte for byte",
    "form": "what a form offers or takes",
    "drawing": "labels of a drawing; the table or list beside it holds the same, with its figures",
    "quoted": "English words of a source or of a run, quoted as they are and marked as English",
    "list": "how many stand in the list that this very element opens",
    "origin": "a value with its own origin and source in the same row: there is nothing behind it",
    "terms": "words of an agreement as they were signed",
    "published": "what a public document says, with its publisher and lines beside it",
    "between": "the length between two moments that stand in the same row",
    "report": "a ship's own report: place, speed and heading with its moment in the same row",
    "audit": "what a person did, as it was noted then",
    "verbatim": "rows of an uploaded file as they stand in it",
    "row": "what names a row: a ship, a year, a notice, a place",
}


def place_of(piece: Piece) -> str | None:
    """The kind of a place that takes numbers which are no figures; None elsewhere."""
    row, inner = piece.around("tr"), piece.path[-1] if piece.path else Element("", {})
    if piece.inside("time"):
        return "time"
    if piece.inside("code") or piece.inside("pre"):
        return "code"
    if any(piece.inside(tag) for tag in ("option", "label", "textarea", "button", "select")):
        return "form"
    if piece.inside("td", "details"):
        return "audit"
    if piece.inside("table", "verbatim"):
        return "verbatim"
    if piece.inside("svg"):
        return "drawing"
    if any(one.attributes.get("lang") == "en" for one in piece.path):
        return "quoted"
    details = piece.around("details")
    if piece.inside("summary") and details is not None and details.holds & {"li", "table", "code", "a", "dl"}:
        return "list"
    origins = {f"span.{name}" for name in ("observed", "filled", "published", "entered", "computed", "missing")}
    if row is not None and row.holds & origins and "small" in row.holds:
        return "origin"
    if piece.inside("div", "clauses") or (piece.inside("small") and re.search(r"\bat (least|most)\b", inner.text)):
        return "terms"
    if piece.inside("li", "agreement") and not piece.inside("li", "executed"):
        return "published"
    if row is not None and "th" in row.holds and row.text.count("UTC") >= 2 and re.fullmatch(r"[\d.,]+ h", piece.text):
        return "between"
    if row is not None and "time" in row.holds and "°" in row.text and re.fullmatch(r"-?[\d.]+°?", piece.text):
        return "report"
    if piece.inside("th") and not piece.inside("thead") and not piece.inside("small"):
        return "row"
    return None


# What a number is: pattern, and why it is no figure. What is left after all are taken out must hold no digit.
WORDS: tuple[tuple[str, str], ...] = (
    (r"^Mozilla/.*|https?://\S+|\b\d{1,3}(\.\d{1,3}){3}\b|\b[A-Za-z-]+/\d[\d.]*|; Linux \w+", "addresses and programs"),
    (r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{12,64}\b|\b[A-Z]{4}\d{7}\b|\bSIM\d\w+\b", "identifiers"),
    (r"\b(IMO|MMSI) \d+|\b[\w-]+(/|@)\d+(#[\w-]+)?|\bversion \d+|#\d+", "ships' numbers, versions and places in a log"),
    (r"\blines? \d+(, \d+)*|\bISO \d+|\bAR\d|\bSHA-256\b|\b\d+\.\d+\.\d+\b|\bRFC \d+", "lines, standards, releases"),
    (r"\b(epa-2022|imo4-2020|ar[456])\b|\b[a-z-]+-\d{2,5}\b(?! (h|t|nm))", "editions of a method, ids"),
    (r"\bCO2e?\b|\bPM(10|2\.5)\b|\bSO2\b|\bN2O\b|\bCH4\b|\bUSD/t\b", "names of substances"),
    (r"\d{4}-\d\d-\d\d(T[\d:]+Z?)?|\b\d{1,2} [A-Z][a-z]{2} \d{4}\b|\b\d\d:\d\d\b", "days and times"),
    (r"(?<![\d.,])(19|20)\d\d(?![\d.,]\d|\s?(t|h|nm|kg|kWh|%|TEU)\b)", "years"),
    (r"\b\d+ (second|minute|hour|day|week|month|year)s? ago\b|\bin \d+ [a-z]+\b", "ages"),
    (r"\bstep for \d+ minutes\b", "a limit that is set, in the words of the rule"),
    (r"-?\d+\.\d+°", "coordinates"),
    (r"\b(5|25|75|95) %(?=$)", "heads of the columns of quantiles"),
    (r"\b[Ll]earnt[ -](berth|anchorage)[ -]\d+\b|\bNo\. \d+|\b[A-Z]{3}-\d+\b", "names and ids of zones"),
    (r"\bSIMULATED [A-Z]+ \d+\b|\bC40 Cities\b", "names of ships and parties"),
    (r"(^|, )[\d,]+ (TEU|DWT)$|: one weekly service of [\d,]+ TEU", "size classes of ships, in names"),
    (r"\b\d+(\.\d+)? [KMGT]?i?B\b", "sizes of files and limits of their size"),
    (r"^\d+ h$", "hours of notice, which name a row or a choice"),
    (r"^\d+ attempts?$", "tries of a message, each in the log"),
)


@cache
def _constants() -> tuple[str, ...]:
    """Texts of the pages that hold a digit themselves, whatever data there are."""
    with (FOLDER / "ja.po").open("rb") as file:
        texts = [text for message in read_po(file) for text in _each(message.id) if re.search(r"\d", text)]
    return tuple(sorted((text for text in texts if "%(" not in text), key=len, reverse=True))


def _each(ident: str | tuple[str, ...] | list[str]) -> Iterator[str]:
    yield from [ident] if isinstance(ident, str) else ident


def what_is_bare(piece: Piece) -> str | None:
    """What of a piece is a number that should open its derivation; None where nothing is."""
    if place_of(piece) is not None:
        return None
    left = piece.text
    for text in _constants():
        if text in left:
            left = left.replace(text, " ")
    for pattern, _ in WORDS:
        left = re.sub(pattern, " ", left)
    return piece.text if re.search(r"\d", left) else None
