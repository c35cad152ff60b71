"""Text cells of CSV files that no spreadsheet takes for a formula, and the way back.

A spreadsheet works out what begins with ``=``, ``+``, ``-`` or ``@`` in a CSV file, quoted or not, also after a tab or
a line break, and where it splits lines at ``;`` also after one (OWASP, *CSV Injection*). A ship's name comes over the
radio from anybody. So an apostrophe is put before such a beginning; `plain` takes it off again, exactly. A plain number
such as ``-95.3`` is no formula and stays as it is.

Cells of Excel files need none of this: there a text is stored as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

# The second four are their full-width forms, which some editions for East Asia take for the first.
_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_BLANKS: Final = " \u00a0\u3000"
_BEGINNING: Final = f"('*[{_BLANKS}]*[{_SIGNS}]|'*[\t\r\n])"
_INSIDE: Final = f"([;\t\r\n])('*[{_BLANKS}]*[{_SIGNS}])"
_NUMBER: Final = r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?"
_AT_BEGINNING = re.compile(rf"\A{_BEGINNING}")
_FURTHER_IN = re.compile(_INSIDE)
_MARKED_INSIDE = re.compile(f"([;\t\r\n])'('*[{_BLANKS}]*[{_SIGNS}])")
_PLAIN_NUMBER = re.compile(rf"\A{_NUMBER}\Z")


def inert(text: str) -> str:
    """Return a text that a spreadsheet shows and does not work out."""
    if _PLAIN_NUMBER.match(text):
        return text
    text = _FURTHER_IN.sub(r"\1'\2", text)
    return f"'{text}" if _AT_BEGINNING.match(text) else text


def plain(cell: str) -> str:
    """Return the text that `inert` was given: ``plain(inert(text)) == text`` for every text."""
    if cell.startswith("'") and _AT_BEGINNING.match(cell[1:]) and not _PLAIN_NUMBER.match(cell[1:]):
        cell = cell[1:]
    return _MARKED_INSIDE.sub(r"\1\2", cell)


def inert_column(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column of texts with each made inert, as `inert` does."""
    import pyarrow.compute as pc

    number = pc.match_substring_regex(texts, pattern=rf"\A{_NUMBER}\z")
    made = pc.replace_substring_regex(texts, pattern=_INSIDE, replacement=r"\1'\2")
    made = pc.replace_substring_regex(made, pattern=rf"\A{_BEGINNING}", replacement=r"'\1")
    return pc.if_else(number, texts, made)


def inert_table(table: pa.Table) -> pa.Table:
    """Return a table whose columns of texts are inert; all others are as they were."""
    import pyarrow as pa

    for k, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(k, field, inert_column(table.column(k)))
    return table
