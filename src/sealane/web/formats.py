"""Numbers, dates and units as a reader wants them: by language, unit choice, and the port's local time beside UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import NumberPattern, parse_pattern
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from sealane.web.derivation import Figure, Quantity
from sealane.web.words import LOCALES

# International definitions: the short ton is 2000 lb of 0.45359237 kg, the nautical mile 1852 m.
SHORT_TON_T = 0.907_184_74
NM_KM = 1.852
NO_VALUE = "–"
_FEW = 3
# Less than this of any unit is what subtracting two large numbers leaves; it is not written out.
LEAST_SHOWN = 1e-9
_UNITS = {
    "energy_kwh": (1.0, "kWh"),
    "energy_mj": (1.0, "MJ"),
    "duration_h": (1.0, "h"),
    "teu": (1.0, "TEU"),
    "ratio": (1.0, ""),
    "count": (1.0, ""),
    "intensity_g_per_mj": (1.0, "g/MJ"),
    "money_usd": (1.0, "USD"),
    "money_eur": (1.0, "EUR"),
    "price_usd_per_t": (1.0, "USD/t"),
    "power_kw": (1.0, "kW"),
    "bytes": (1.0, "B"),
    "other": (1.0, ""),
}
_METRIC = {
    "mass_g": (1e-6, "t"),
    "mass_kg": (1e-3, "t"),
    "mass_t": (1.0, "t"),
    "distance_nm": (1.0, "nm"),
    "speed_kn": (1.0, "kn"),
    "teu_nm": (1.0, "TEU nm"),
    "intensity_g_per_teu_nm": (1.0, "g/(TEU nm)"),
}
_US = {
    "mass_g": (1e-6 / SHORT_TON_T, "short ton"),
    "mass_kg": (1e-3 / SHORT_TON_T, "short ton"),
    "mass_t": (1 / SHORT_TON_T, "short ton"),
    "distance_nm": (1.0, "nm"),
    "speed_kn": (1.0, "kn"),
    "teu_nm": (1.0, "TEU nm"),
    "intensity_g_per_teu_nm": (1.0, "g/(TEU nm)"),
}
_KM = {
    "distance_nm": (NM_KM, "km"),
    "speed_kn": (NM_KM, "km/h"),
    "teu_nm": (NM_KM, "TEU km"),
    "intensity_g_per_teu_nm": (1 / NM_KM, "g/(TEU km)"),
}
# name of a choice -> masses and distances; "metric" is what the method works in
UNIT_CHOICES = {"metric": _METRIC, "metric-km": {**_METRIC, **_KM}, "us": _US, "us-km": {**_US, **_KM}}
_SMALL = {"t": (("kg", 1e3), ("g", 1e6))}


def in_unit(value: float, quantity: str, units: str = "metric", unit: str | None = None) -> tuple[float, str]:
    """Return a value and the unit's name in a reader's choice of units."""
    factor, name = (UNIT_CHOICES.get(units, _METRIC) | _UNITS)[quantity]
    return value * factor, unit or name


def unit_name(quantity: str, units: str = "metric", unit: str | None = None) -> str:
    """Return the unit in which a quantity is shown."""
    return in_unit(0.0, quantity, units, unit)[1]


def number(value: float | None, locale: str = "en_GB", digits: int | None = None, significant: int = 3) -> str:
    """Return a number in a locale; without `digits`, whole numbers whole and others to `significant` digits."""
    if value is None or value != value:  # noqa: PLR0124  # NaN is not equal to itself
        return NO_VALUE
    fill = "0"
    if digits is None:
        fill = "0" if significant <= _FEW else "#"  # many digits are asked for to be exact, not to look alike
        if 0.0 < abs(value) < LEAST_SHOWN:
            return "≈ 0"
        if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
            digits = 0
        else:
            magnitude = f"{abs(value):e}"
            digits = max(0, significant - 1 - int(magnitude.partition("e")[2]))
    pattern = "#,##0" + ("." + fill * min(digits, 12) if digits else "")
    return str(_pattern(pattern).apply(round(value, digits), _locale(locale)))


# Babel reads names of locales and patterns anew each time; a page has hundreds of numbers.
_locale = cache(Locale.parse)


@cache
def _pattern(text: str) -> NumberPattern:
    return parse_pattern(text)


def shown(figure: Figure, locale: str = "en_GB", units: str = "metric") -> tuple[str, str]:
    """Return a figure's number and unit as they are printed; small masses in kg or g."""
    if figure.value is None:
        return NO_VALUE, ""
    if figure.quantity == "share":
        digits = 0 if figure.value in {0.0, 1.0} else 1
        pattern = _pattern("#,##0.0%" if digits else "#,##0%")
        return str(pattern.apply(figure.value, _locale(locale))), ""
    if figure.quantity == "count":
        return number(figure.value, locale, 0), figure.unit or ""
    value, unit = in_unit(figure.value, figure.quantity, units, figure.unit)
    for smaller, factor in _SMALL.get(unit, ()):
        if value and abs(value) < 0.1:
            value, unit = in_unit(figure.value, figure.quantity, units)[0] * factor, smaller
    return number(value, locale), unit


def moment(time: dt.datetime | None, zone: str | None = None) -> Markup:
    """Return a time in UTC with the port's local time beside it, as a ``time`` element."""
    if time is None:
        return Markup(NO_VALUE)
    utc = time.astimezone(dt.UTC)
    text = utc.isoformat(" ", "minutes")[:16]  # written alike in all languages
    local = ""
    if zone:
        there = time.astimezone(ZoneInfo(zone))
        days = (there.date() - utc.date()).days
        shift = f" {days:+d} d" if days else ""
        local = f' <span class="local">{there:%H:%M} {escape(there.tzname() or "")}{shift}</span>'
    return Markup(f'<time datetime="{utc.isoformat()}">{text} UTC{local}</time>')  # nothing from outside


def day(date: dt.date | dt.datetime | None, locale: str = "en_GB") -> str:
    """Return a day in words of the language."""
    return NO_VALUE if date is None else str(format_date(date, "medium", locale=_locale(locale)))


def last_day(end: dt.datetime | None, locale: str = "en_GB") -> str:
    """Return the last day of a period that ends before a time: one that ends at midnight does not touch the new day."""
    return NO_VALUE if end is None else day(end - dt.timedelta(microseconds=1), locale)


def age(time: dt.datetime | None, now: dt.datetime, locale: str = "en_GB") -> str:
    """Return how long ago a time was, or how far ahead it is."""
    return NO_VALUE if time is None else str(format_timedelta(time - now, add_direction=True, locale=_locale(locale)))


def add_filters(filters: dict[str, Callable[..., Any]]) -> None:
    """Add the filters that templates use; each takes language, units and the port's zone from the page."""

    def locale_of(context: Context) -> str:
        return LOCALES.get(str(context.get("language", "en")), "en_GB")

    def units_of(context: Context) -> str:
        return str(context.get("units", "metric"))

    @pass_context
    def number_(context: Context, value: float | None, digits: int | None = None, significant: int = 3) -> str:
        return number(value, locale_of(context), digits, significant)

    def quantity_(quantity: Quantity) -> Callable[..., Markup]:
        @pass_context
        def filtered(context: Context, value: float | None, unit: bool = True) -> Markup:
            if value is None:
                return Markup(NO_VALUE)
            text, name = shown(
                Figure(value=value, quantity=quantity, explain="/-"), locale_of(context), units_of(context)
            )
            return escape(f"{text} {name}" if unit and name else text)

        return filtered

    @pass_context
    def figure_text(context: Context, figure: Figure) -> tuple[str, str]:
        return shown(figure, locale_of(context), units_of(context))

    @pass_context
    def chart_value(context: Context, figure: Figure) -> str:
        """The bare number a chart draws, in the reader's units; empty where there is none."""
        if figure.value is None:
            return ""
        return repr(in_unit(figure.value, figure.quantity, units_of(context), figure.unit)[0])

    @pass_context
    def chart_unit(context: Context, figure: Figure) -> str:
        return unit_name(figure.quantity, units_of(context), figure.unit)

    @pass_context
    def unit(context: Context, quantity: str) -> str:
        return unit_name(quantity, units_of(context))

    @pass_context
    def moment_(context: Context, time: dt.datetime | None, zone: str | None = None) -> Markup:
        return moment(time, zone or context.get("zone"))

    @pass_context
    def day_(context: Context, date: dt.date | None) -> str:
        return day(date, locale_of(context))

    @pass_context
    def last_day_(context: Context, end: dt.datetime | None) -> str:
        return last_day(end, locale_of(context))

    @pass_context
    def age_(context: Context, time: dt.datetime | None) -> str:
        return age(time, context["now"], locale_of(context))

    names: dict[str, Quantity] = {
        "mass": "mass_t",
        "mass_g": "mass_g",
        "energy": "energy_kwh",
        "distance": "distance_nm",
        "speed": "speed_kn",
        "hours": "duration_h",
        "share": "share",
    }
    filters |= {name: quantity_(quantity) for name, quantity in names.items()}
    filters.update(number=number_, figure_text=figure_text, unit=unit, moment=moment_, day=day_, age=age_)
    filters.update(last_day=last_day_, chart_value=chart_value, chart_unit=chart_unit)
    filters["bytes"] = byte_size


def byte_size(value: float | None) -> str:
    """Return a number of bytes in the largest binary unit that leaves at least 1."""
    if value is None:
        return NO_VALUE
    for name in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {name}" if name == "B" else f"{value:.1f} {name}"
        value /= 1024
    return f"{value:.1f} TiB"
