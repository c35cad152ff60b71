"""Hotel loads: every class, mode and table answers or gives a reason; forgiving spellings of ship classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.hotel_loads import HOTEL_TABLES, MODES, hotel_load, sized_hotel_load
from sealane.emissions.ship_classes import parse_ship_class, ship_classes
from sealane.errors import DataError, MissingFactorError

NOT_IN_POLA = {
    "Ferry/Passenger (C3)",
    "Ferry/Roll-on/Passenger (C3)",
    "Fishing (C3)",
    "Liquified Gas Tanker",
    "Offshore Support/Drillship",
    "Other Service",
    "Yacht",
}


@pytest.mark.parametrize("table", HOTEL_TABLES)
@pytest.mark.parametrize("mode", MODES)
def test_every_class_and_mode_answers(table: str, mode: str) -> None:
    assert len(ship_classes()) == 53
    for ship_class, subtype in ship_classes():
        if table == "pola-2016" and ship_class in NOT_IN_POLA:
            with pytest.raises(MissingFactorError, match="no ship type"):
                hotel_load(ship_class, subtype, mode, table)
            continue
        aux_kw, boiler_kw, rows = hotel_load(ship_class, subtype, mode, table)
        assert aux_kw > 0
        assert boiler_kw >= 0
        assert (rows[0].value, rows[1].value) == (aux_kw, boiler_kw)
        assert rows[0].text("load") == "auxiliary"


@pytest.mark.parametrize(
    ("table", "mode", "expected"),
    [
        ("epa-2022", "transit", (1390, 0)),
        ("epa-2022", "manoeuvring", (2470, 450)),
        ("epa-2022", "berth", (940, 450)),
        ("epa-2022", "anchorage", (1390, 450)),
        ("imo3-2014", "berth", (940, 450)),
        ("imo4-2020", "berth", (1100, 480)),
        ("imo4-2020", "transit", (1400, 0)),
    ],
)
def test_container_ship_of_5000_teu(table: str, mode: str, expected: tuple[float, float]) -> None:
    """EPA Tables E.1 and E.2; the same bin, 3,000 to 5,000 TEU, in the Third and Fourth IMO GHG Study."""
    assert hotel_load("Container Ship", "5,000 TEU", mode, table)[:2] == expected


def test_epa_and_third_imo_study_hold_the_same_loads() -> None:
    """The subtype-to-size table is right where both tables share their origin; berth is EPA's hotelling column."""
    for ship_class, subtype in ship_classes():
        if ship_class == "Liquified Gas Tanker":  # size bins differ between the tables
            continue
        for mode in MODES:
            epa, imo3 = (hotel_load(ship_class, subtype, mode, table) for table in ("epa-2022", "imo3-2014"))
            assert epa.aux_kw == imo3.aux_kw, (ship_class, subtype, mode)


def test_drift_takes_anchorage() -> None:
    for table in HOTEL_TABLES:
        assert hotel_load("Bulk Carrier", "Panamax", "drift", table) == hotel_load(
            "Bulk Carrier", "Panamax", "anchorage", table
        )


@given(st.floats(0.0, 1e6), st.sampled_from(MODES))
def test_sized_tables_answer_for_any_size(size: float, mode: str) -> None:
    assert sized_hotel_load("container", size, mode, "imo4-2020").aux_kw > 0
    assert sized_hotel_load("container.ship", size, mode, "pola-2016").aux_kw > 0


@given(st.sampled_from(ship_classes()), st.sampled_from(("/", " ", "-", ", ")), st.booleans())
def test_spelling_does_not_matter(pair: tuple[str, str], between: str, lower: bool) -> None:
    text = between.join(pair).replace(",", "" if lower else ",")
    assert parse_ship_class(text.lower() if lower else text) == pair


@pytest.mark.parametrize(
    "text", ["container ship 5000 TEU", "container-ship/5,000-teu", "Container Ship/5,000 TEU", "container 5000"]
)
def test_spellings_named_in_the_documentation(text: str) -> None:
    assert parse_ship_class(text) == ("Container Ship", "5,000 TEU")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contaner ship 5000 TEU", "Container Ship/5,000 TEU"),
        ("container", "Container Ship/14,500 TEU"),
        ("12345", "Bulk Carrier"),
    ],
)
def test_an_unclear_class_lists_near_matches(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_ship_class(text)


def test_wrong_mode_and_table_are_named_together() -> None:
    with pytest.raises(DataError) as refused:
        hotel_load("Reefer", "All Reefer", "sleeping", "none")
    assert [fault.where for fault in refused.value.faults] == ["mode", "table"]
    with pytest.raises(MissingFactorError, match="Reefer"):
        hotel_load("Reefer", "Small", "berth")
