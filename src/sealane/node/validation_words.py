"""What people are told of a value that does not validate: by pydantic's type of error, with its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sealane.errors import Fault, Phrase

# What was found, and what would be right. Both may name what stands in the error's context.
Told = tuple[Phrase, Phrase]
_WHOLE: Told = (Phrase("is no whole number"), Phrase("Give a whole number."))
_NUMBER: Told = (Phrase("is no number"), Phrase("Give a number."))
_BOOLEAN: Told = (Phrase("is neither true nor false"), Phrase("Give true or false."))
_CHOICE: Told = (Phrase("is none of the values that are allowed"), Phrase("Give one of: %(expected)s."))
_LIST: Told = (Phrase("is no list"), Phrase("Give a list."))
_OBJECT: Told = (Phrase("is no object"), Phrase("Give an object with named fields."))
_TIME: Told = (Phrase("is no time"), Phrase("Write it like 2026-01-31T08:00:00Z."))
_DAY: Told = (Phrase("is no day"), Phrase("Write it like 2026-01-31."))
_ADDRESS: Told = (Phrase("is no web address"), Phrase("Write it like https://example.org/path."))
_UUID: Told = (Phrase("is no UUID"), Phrase("Copy the whole id."))
_OTHER = Phrase("See /openapi.json for what is allowed.")

WORDS: Mapping[str, Told] = {
    "missing": (Phrase("is missing"), Phrase("Give it.")),
    "extra_forbidden": (Phrase("is not known here"), Phrase("Leave it out.")),
    "none_required": (Phrase("is not empty"), Phrase("Leave it out.")),
    "string_type": (Phrase("is no text"), Phrase("Give a text.")),
    "string_unicode": (Phrase("is not valid Unicode"), Phrase("Write it in UTF-8.")),
    "string_too_long": (Phrase("has more than %(max_length)s characters"), Phrase("Shorten it.")),
    "string_too_short": (Phrase("has too few characters"), Phrase("Characters needed at least: %(min_length)s.")),
    "string_pattern_mismatch": (
        Phrase("is not written as it must be"),
        Phrase("The whole text must match the pattern %(pattern)s."),
    ),
    "too_long": (Phrase("has too many entries"), Phrase("Entries allowed at most: %(max_length)s.")),
    "too_short": (Phrase("has too few entries"), Phrase("Entries needed at least: %(min_length)s.")),
    "greater_than": (Phrase("is too small"), Phrase("Give more than %(gt)s.")),
    "greater_than_equal": (Phrase("is too small"), Phrase("Give %(ge)s or more.")),
    "less_than": (Phrase("is too large"), Phrase("Give less than %(lt)s.")),
    "less_than_equal": (Phrase("is too large"), Phrase("Give %(le)s or less.")),
    "multiple_of": (Phrase("is no multiple of %(multiple_of)s"), Phrase("Give a multiple of it.")),
    "finite_number": (Phrase("is not finite"), Phrase("Give a number.")),
    "timezone_aware": (Phrase("has no time zone"), Phrase("Add Z, or an offset such as +09:00.")),
    "json_invalid": (Phrase("is no valid JSON (%(error)s)"), Phrase("Correct it.")),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
    **dict.fromkeys(("enum", "literal_error"), _CHOICE),
    **dict.fromkeys(("list_type", "set_type", "tuple_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type"), _OBJECT),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"), _TIME
    ),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DAY),
    **dict.fromkeys(("url_type", "url_parsing", "url_scheme", "url_too_long", "url_syntax_violation"), _ADDRESS),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), _UUID),
}
_HOLE = re.compile(r"%\((\w+)\)s")


def validation_faults(errors: Sequence[Mapping[str, object]], separator: str = " ") -> tuple[Fault, ...]:
    """Return pydantic's errors as faults, in words that pages have translations of.

    Parameters
    ----------
    errors : as ``ValidationError.errors()`` gives them.
    separator : between the parts of the place where a fault is.
    """
    return tuple(_fault(one, separator) for one in errors)


def _fault(error: Mapping[str, object], separator: str) -> Fault:
    location = error.get("loc")
    where = separator.join(str(part) for part in location) if isinstance(location, tuple) else ""
    context = error.get("ctx")
    facts = dict(context) if isinstance(context, Mapping) else {}
    if error.get("type") in {"value_error", "assertion_error"} and isinstance(facts.get("error"), Exception):
        return Fault(where, str(facts["error"]), _OTHER)  # a check of our own; it may have said a phrase
    if "expected" in facts:
        facts["expected"] = str(facts["expected"]).replace(" or ", ", ")
    told = WORDS.get(str(error.get("type")))
    if told is None or not all(name in facts for text in told for name in _HOLE.findall(text)):
        return Fault(where, str(error.get("msg", "is not valid")), _OTHER)
    found, remedy = (Phrase(one.text, **{name: facts[name] for name in _HOLE.findall(one)}) for one in told)
    return Fault(where, found, remedy)
