"""Text, outline and tags of a PDF as a reader's program finds them, read from the file's own objects."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

_OBJECT = re.compile(rb"(?m)^(\d+) 0 obj\b")
_STREAM = re.compile(rb"(?:>>|endobj)\s*stream\r?\n")
_LENGTH = re.compile(rb"/Length (\d+)")
_TOKEN = re.compile(
    rb"/(\w+)\s+[\d.]+\s+Tf"  # a font is chosen
    rb"|<([0-9A-Fa-f]+)>"  # glyphs as hexadecimal digits
    rb"|(\()"  # glyphs as bytes
    rb"|\b(Tm|Td|T\*|ET)\b"  # the pen moves
)
_PLAIN = re.compile(rb"[^\\()]+")
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
        at = 0
        while found := _OBJECT.search(content, at):
            at = made._take(int(found[1]), content, found.end())
        for number, body in list(made.objects.items()):
            if b"/ObjStm" in body:
                data = made.streams[number]
                first = int(re.findall(rb"/First (\d+)", body)[0])
                heads = [int(word) for word in data[:first].split()]
                for k in range(0, len(heads), 2):
                    end = heads[k + 3] if k + 3 < len(heads) else len(data) - first
                    made.objects[heads[k]] = data[first + heads[k + 1] : first + end]
        return made

    def _take(self, number: int, content: bytes, at: int) -> int:
        """Keep the object that begins here, and its stream; return where it ends."""
        end = content.index(b"endobj", at)
        stream = _STREAM.search(content, at, end + 6)
        if stream is None:
            self.objects[number] = content[at:end]
            return end
        self.objects[number] = content[at : stream.start() + 2]
        length = int(_LENGTH.findall(self.objects[number])[0])
        data = content[stream.end() : stream.end() + length]
        self.streams[number] = zlib.decompress(data) if b"/FlateDecode" in self.objects[number] else data
        return stream.end() + length

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
    at = 0
    while found := _TOKEN.search(data, at):
        name, digits, literal, _ = found.groups()
        at = found.end()
        raw = b""
        if name:
            font = fonts.get(name, {})
        elif digits:
            raw = bytes.fromhex(digits.decode())
        elif literal:
            raw, at = _literal(data, at)
        else:
            parts.append("\n")
        codes = [int.from_bytes(raw[k : k + 2], "big") for k in range(0, len(raw), 2)]
        parts += [font.get(code, "\N{REPLACEMENT CHARACTER}") for code in codes]
    return "".join(parts)


def _literal(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes of a text in round brackets, which may hold such brackets themselves; and where it ends."""
    made, depth = bytearray(), 1
    while True:
        if plain := _PLAIN.match(data, at):
            made += plain[0]
            at = plain.end()
        sign = data[at : at + 1]
        at += 1
        if sign == b"\\":
            octal = re.match(rb"[0-7]{1,3}", data[at : at + 3])
            if octal:
                made.append(int(octal[0], 8))
                at += len(octal[0])
            else:
                made += _ESCAPES.get(data[at : at + 1], data[at : at + 1])
                at += 1
            continue
        depth += (sign == b"(") - (sign == b")")
        if not depth:
            return bytes(made), at
        made += sign
