"""Documents to fill in: the usual agreements between ports with blanks where only the parties know the terms."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from sealane.errors import InputError

_SHIPPED = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Template:
    """One template.

    Attributes
    ----------
    about : its first comment line.
    text : the YAML document; what is to be filled in begins with ``FILL:``.
    """

    name: str
    about: str
    text: str


def list_templates() -> tuple[Template, ...]:
    """Return the shipped templates by name."""
    return tuple(_read(path) for path in sorted(_SHIPPED.glob("*.yaml")))


def template_named(name: str) -> Template:
    """Return one template.

    Raises
    ------
    InputError
        If none has this name; names the nearest.
    """
    known = {template.name: template for template in list_templates()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"Nearest: {near[0]}. " if near else ""
        raise InputError(f"No template is called {name!r}. {hint}There are: {', '.join(known)}.")
    return known[name]


def _read(path: Path) -> Template:
    text = path.read_text(encoding="utf-8")
    return Template(path.stem, text.splitlines()[0].removeprefix("#").strip(), text)
