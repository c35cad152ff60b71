"""Read a page strictly: every element closed in order, nothing that runs or loads."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "base", "col", "source"}
FORBIDDEN = {"script", "iframe", "object", "embed", "link", "base", "form", "img", "image", "use", "foreignobject"}
LOADING = {"src", "srcset", "href", "xlink:href", "data", "action", "formaction", "poster", "background", "ping"}


class PageAudit(HTMLParser):
    """Collects faults, the text by element and the tables of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.style = ""
        self.meta: dict[str, str] = {}
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        self.faults += [f"id twice: {name}" for name in set(self.ids) if self.ids.count(name) > 1]
        self.faults += [f"no such target: {name}" for name in self.targets if name not in self.ids]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and what it would do."""
        names = [name for name, _ in attrs]
        self.faults += [f"{tag}: attribute {name} twice" for name in set(names) if names.count(name) > 1]
        values = {name: value or "" for name, value in attrs}
        if tag in FORBIDDEN:
            self.faults.append(f"element {tag}")
        for name, value in values.items():
            if name.startswith("on") or name == "style":
                self.faults.append(f"{tag}: attribute {name}")
            if name in LOADING:
                if value.startswith("#"):
                    self.targets.append(value[1:])
                else:
                    self.faults.append(f"{tag}: {name}={value}")
            if name in {"aria-labelledby", "aria-describedby"}:
                self.targets += value.split()
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "meta" and "content" in values:
            self.meta[values.get("name") or values.get("http-equiv", "")] = values["content"]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element closed at once, as in SVG."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element; it must be the one opened last."""
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if self.open and self.open[-1] == "style":
            self.style += data
            if "url(" in data or "@import" in data:
                self.faults.append("stylesheet loads something")
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        """All words of the page, blanks joined."""
        return " ".join(" ".join(self.words).split())

    def row(self, first: str) -> list[str]:
        """Cells of the first table row whose first cell reads like this."""
        return next(
            [" ".join(c.split()) for c in row] for row in self.rows if row and " ".join(row[0].split()) == first
        )
