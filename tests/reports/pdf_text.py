"""Text, outline and tags of a PDF as a reader's program finds them, read from the file's own objects."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

_OBJECT = re.compile(rb"(?m)^(\d+) 0 obj\b(.*?)^endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_TOKEN = re.compile(
    rb"/(\w+)\s+[\d.]+\s+Tf"  # a font is chosen
    rb"|<([0-9A-Fa-f]+)>|\(((?:\\.|[^\\()])*)\)"  # glyphs, as hexadecimal digits or as bytes
    rb"|(-?[\d.]+)(?=\s*[<(\]])"  # a move between glyphs
    rb"|\b(Tm|Td|T\*|ET)\b",
    re.DOTALL,
)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass
class PdfFile:
    """Objects of a file by number, their streams inflated."""

    objects: dict[int, bytes] = field(default_factory=dict)
    streams: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> PdfFile:
        """Read a whole file; objects packed into streams are unpacked."""
        made = cls()
        for number, body in _OBJECT.findall(content):
            made._take(int(number), body)
        for number, body in list(made.objects.items()):
            if b"/ObjStm" in body:
                data = made.streams[number]
                first = int(re.search(rb"/First (\d+)", body)[1])  # type: ignore[index]  # every such stream has one
                heads = [int(word) for word in data[:first].split()]
                for k in range(0, len(heads), 2):
                    end = heads[k + 3] if k + 3 < len(heads) else len(data) - first
                    made.objects[heads[k]] = data[first + heads[k + 1] : first + end]
        return made

    def _take(self, number: int, body: bytes) -> None:
        found = _STREAM.search(body)
        self.objects[number] = body[: found.start()] if found else body
        if found:
            self.streams[number] = zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]

    def text(self) -> str:
        """Text of all pages and of the drawings in them, one line for each run of glyphs."""
        fonts = self._fonts()
        lines = []
        for number, data in self.streams.items():
            if b" Tf" in data:
                lines.append(_text(data, self._named(number, fonts)))
        return "\n".join(lines)

    def _fonts(self) -> dict[int, dict[int, str]]:
        """For each font the text of its glyphs."""
        found = {}
        for number, body in self.objects.items():
            to_unicode = re.search(rb"/ToUnicode (\d+) 0 R", body)
            if to_unicode:
                found[number] = _mapping(self.streams[int(to_unicode[1])])
        return found

    def _named(self, stream: int, fonts: dict[int, dict[int, str]]) -> dict[bytes, dict[int, str]]:
        """Names under which a content stream knows its fonts: of itself, or of the page that shows it."""
        bodies = [self.objects[stream]]
        reference = re.compile(rb"/Contents \[?\s*%d 0 R" % stream)
        bodies += [body for body in self.objects.values() if reference.search(body)]
        for body in list(bodies):
            bodies += [self.objects.get(int(n), b"") for n in re.findall(rb"/(?:Resources|Font) (\d+) 0 R", body)]
        named = {}
        for body in bodies:
            for name, number in re.findall(rb"/(\w+) (\d+) 0 R", body):
                if int(number) in fonts:
                    named[name] = fonts[int(number)]
        return named

    def catalogue(self) -> bytes:
        """The document's root."""
        return next(body for body in self.objects.values() if b"/Type /Catalog" in body or b"/Type/Catalog" in body)


def _mapping(cmap: bytes) -> dict[int, str]:
    glyphs: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>", block):
            glyphs[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for low, high, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for k in range(int(low, 16), int(high, 16) + 1):
                glyphs[k] = chr(int(text, 16) + k - int(low, 16))
    return glyphs


def _text(data: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    font: dict[int, str] = {}
    parts: list[str] = []
    for name, digits, literal, _, mover in _TOKEN.findall(data):
        if name:
            font = fonts.get(name, {})
        elif digits or literal:
            raw = bytes.fromhex(digits.decode()) if digits else _unescaped(literal)
            parts += [
                font.get(int.from_bytes(raw[k : k + 2], "big"), "\N{REPLACEMENT CHARACTER}")
                for k in range(0, len(raw), 2)
            ]
        elif mover:
            parts.append("\n")
    return "".join(parts)


def _unescaped(literal: bytes) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        sign = found[1]
        return bytes([int(sign, 8)]) if sign.isdigit() else _ESCAPES.get(sign, sign)

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, literal, flags=re.DOTALL)
