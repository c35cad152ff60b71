"""Catalogues of texts: English stands in templates and code, other languages in ``locale/<language>.po``."""

from __future__ import annotations

from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import WrapValidator

from sealane.errors import Phrase, unpacked

LANGUAGES = {"en": "English", "ja": "日本語"}
LOCALES = {"en": "en_GB", "ja": "ja_JP"}
FOLDER = Path(__file__).parent / "locale"
# What an error says, as it was kept; in Python it stays what it was made of, so that a page can translate it.
Told = Annotated[str, WrapValidator(lambda content, _: unpacked(content))]


def N_(text: str) -> str:  # noqa: N802  # the name gettext's tools look for
    """Mark a text for translation where it stands as data; it is translated where it is shown."""
    return text


# States and roles in what errors say, where their code is no word by itself.
CODES = {
    "draft": N_("draft"),
    "ready": N_("ready to apply"),
    "in_force": N_("in force"),
    "steward": N_("data steward"),
    "officer": N_("agreement officer"),
}


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return English text to text in a language; empty for English. Fuzzy and empty entries count as missing."""
    if language == "en":
        return {}
    from babel.messages.pofile import read_po

    with (FOLDER / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language, abort_invalid=True)
    return {
        str(message.id): str(message.string)
        for message in found
        if message.id and message.string and not message.fuzzy and isinstance(message.id, str)
    }


class Words:
    """Texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._texts = catalogue(self.language)

    def __call__(self, text: str, /, **values: object) -> str:
        """Return a text, with ``%(name)s`` replaced by values; English where the language lacks it."""
        found = self._texts.get(text, text)
        return found % values if values else found

    def has_phrase(self, text: str) -> bool:
        """Whether what an error says can be said in this language; anything is English."""
        return self.language == "en" or (isinstance(text, Phrase) and text.text in self._texts)

    def phrase(self, text: str) -> str:
        """Return what an error says; what is no `Phrase`, or in no catalogue, as it is."""
        if not isinstance(text, Phrase) or not self.has_phrase(text):
            return text
        return self(text.text, **{name: self._value(value) for name, value in text.values.items()})

    def _value(self, value: object) -> object:
        if isinstance(value, Exception):
            value = str(value)
        if isinstance(value, Enum):  # a state, a role: told by its name
            return self(CODES.get(str(value.value), str(value.value)))
        return self.phrase(value) if isinstance(value, Phrase) else value

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Return the text for a number; it may hold ``%(num)s``."""
        text = one if number == 1 and self.language == "en" else many
        return self(text, num=number, **values)


def best_language(accept: str) -> str:
    """Return the language of an Accept-Language header that pages have; English where none fits."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept[:500].split(",")):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.partition("=")[2] or 1) if rest else 1.0
        except ValueError:
            continue
        wanted.append((-weight, place, tag.partition("-")[0].lower()))
    return next((tag for _, _, tag in sorted(wanted) if tag in LANGUAGES), "en")
