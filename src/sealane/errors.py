"""Every error Sealane raises on purpose.

    SealaneError
    ├── InputError          what the user gave is wrong (exit code 2)
    │   ├── FileFormatError     a whole file is not what it should be
    │   └── DataError           rows or fields are wrong; lists all faults at once
    ├── MissingFactorError  no published row answers the question; ask the user (exit code 3)
    ├── ReferenceDataError  a shipped reference table breaks its own rules (exit code 4)
    ├── EngineError         the chosen engine cannot run here, e.g. no Java for Spark (exit code 5)
    ├── InterruptedWorkError  a run was stopped; says how to resume (exit code 130)
    ├── RequestRefusedError a request from outside is refused; becomes problem+json (exit code 2)
    ├── StoreError          the node's database or disk cannot take or give data now (exit code 74)
    └── UnreachableError    a partner cannot be reached, or its answer cannot be read (exit code 75)

An error names the file, the row, the field and the remedy. The command line prints it without a traceback and
exits with `exit_code`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Anything else behind a per cent sign is not filled in; a width, for instance, could fill the memory.
_HOLE = re.compile(r"%(?:%|\(\w+\)s)")


class Phrase(str):
    """An English sentence that still knows what it was made of, so that a page can say it in its reader's language.

    It is the finished sentence for everybody who only wants a text: an error's message, a log, a partner's answer.

    Parameters
    ----------
    text : the sentence, holding ``%(name)s`` where a value goes; catalogues of translations know it by this.
    values : what goes there; one that is words itself is a `Phrase`, too.
    """

    text: str
    values: Mapping[str, object]

    __slots__ = ("text", "values")

    def __new__(cls, text: str, /, **values: object) -> Phrase:
        """Make the sentence."""
        made = super().__new__(cls, text % values if values else text)
        made.text, made.values = text, values
        return made

    def __str__(self) -> str:
        """Return itself: what an exception is asked for as its message stays a phrase."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _phrase, (self.text, dict(self.values))


def _phrase(text: str, values: Mapping[str, object]) -> Phrase:
    return Phrase(text, **values)


def packed(text: str) -> str | dict[str, Any]:
    """Return a text as JSON can hold it without forgetting what a `Phrase` is made of; see `unpacked`."""
    if not isinstance(text, Phrase):
        return text
    values = {
        name: value if isinstance(value, int | float) else packed(str(value)) for name, value in text.values.items()
    }
    return {"text": text.text, "values": values}


def unpacked(content: object, depth: int = 3) -> str:
    """Return the text that `packed` made JSON of; whatever else it is given, a text comes out of it."""
    if not isinstance(content, Mapping):
        return content if isinstance(content, str) else str(content)
    text, values = str(content.get("text", "")), content.get("values")
    if not isinstance(values, Mapping) or "%" in _HOLE.sub("", text) or not depth:
        return text
    filled = {str(name): unpacked(v, depth - 1) if isinstance(v, Mapping) else v for name, v in values.items()}
    try:
        return Phrase(text, **filled)
    except (KeyError, TypeError, ValueError):
        return text


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where.

    Attributes
    ----------
    where : file, row, field or path inside a document, e.g. ``vessels.csv row 12, column imo``.
    found : what stands there; a `Phrase` where pages show it.
    remedy : what would be right; likewise.
    """

    where: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.remedy}"


class SealaneError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 1


class InputError(SealaneError):
    """The user's input is wrong."""

    exit_code = 2


class FileFormatError(InputError):
    """A file is not of the expected form; says what was expected and what was found."""


class DataError(InputError):
    """One or more faults in a document or table, all of them listed.

    Parameters
    ----------
    title : one sentence saying what could not be used.
    faults : every fault found, not only the first.

    The message shows the first `SHOWN_FAULTS` and says how many more there are; the attribute holds all.
    """

    SHOWN_FAULTS = 200

    def __init__(self, title: str, faults: Sequence[Fault]) -> None:
        self.title = title
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults[: self.SHOWN_FAULTS])
        if len(self.faults) > self.SHOWN_FAULTS:
            lines += f"\n  - and {len(self.faults) - self.SHOWN_FAULTS:,} more"
        super().__init__(f"{title}\n{lines}" if self.faults else title)


class MissingFactorError(SealaneError):
    """No published value answers this question. It is never replaced by zero or a guess."""

    exit_code = 3


class ReferenceDataError(SealaneError):
    """A shipped reference table breaks its own rules (unit, range, source)."""

    exit_code = 4


class EngineError(SealaneError):
    """The chosen engine cannot run on this machine."""

    exit_code = 5


class InterruptedWorkError(SealaneError):
    """Work was interrupted; nothing half-written stands in the output folder."""

    exit_code = 130


class RequestRefusedError(SealaneError):
    """A request from outside is refused; the edge answers with ``application/problem+json`` (RFC 9457).

    Parameters
    ----------
    status : HTTP status, 400 to 599.
    kind : short slug that stays the same over versions, e.g. ``duplicate-key``; the problem's type ends with it.
    detail : what was found, without any secret; a `Phrase` where pages show it.
    remedy : what the sender should do; likewise.
    faults : every fault found, where there can be several.
    retry_after_s : for 429 and 503, when to try again.
    """

    exit_code = 2

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        remedy: str,
        faults: Sequence[Fault] = (),
        retry_after_s: int | None = None,
    ) -> None:
        self.status = status
        self.kind = kind
        self.detail = detail
        self.remedy = remedy
        self.faults = tuple(faults)
        self.retry_after_s = retry_after_s
        lines = "".join(f"\n  - {fault}" for fault in self.faults[: DataError.SHOWN_FAULTS])
        super().__init__(f"{detail} {remedy}{lines}")


class StoreError(SealaneError):
    """The node's database or disk cannot take or give data now; nothing was half done (exit code 74)."""

    exit_code = 74


class UnreachableError(SealaneError):
    """A partner could not be reached, or its answer could not be read; nothing is known of what it did."""

    exit_code = 75
