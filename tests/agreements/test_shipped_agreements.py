"""The shipped agreements against the facts of the two public documents."""

from __future__ import annotations

import importlib
import re

import pytest

from sealane.agreements import AreaKind, Kind, Status, load_agreements

CATALOGUE = load_agreements()

# id: kind, status, year, partners' UN/LOCODEs; typed from the table of facts, one line each.
EXPECTED = {
    "nagoya-affiliation-1959": ("antecedent", "listed", 1959, ""),
    "nagoya-sister-1959": ("sister", "listed", 1959, "JPNGO"),
    "tokyo-sister-1987": ("sister", "listed", 1987, "JPTYO"),
    "keelung-sister-1988": ("sister", "listed", 1988, "TWKEL"),
    "kaohsiung-sister-1988": ("sister", "listed", 1988, "TWKHH"),
    "lazaro-cardenas-sister-1997": ("sister", "listed", 1997, "MXLZC"),
    "saigon-sister-1999": ("sister", "listed", 1999, "VNSGN"),
    "sydney-sister-2004": ("sister", "listed", 2004, "AUSYD"),
    "valparaiso-sister-2004": ("sister", "listed", 2004, "CLVAP"),
    "busan-sister-2006": ("sister", "listed", 2006, "KRPUS"),
    "israel-ports-sister-2008": ("sister", "listed", 2008, ""),
    "guangzhou-friendship-1984": ("friendship", "listed", 1984, "CNGGZ"),
    "shanghai-friendship-1998": ("friendship", "listed", 1998, "CNSHA"),
    "dalian-friendship-2004": ("friendship", "listed", 2004, "CNDLC"),
    "incheon-friendship-2007": ("friendship", "listed", 2007, "KRINC"),
    "central-tyrrhenian-friendship-2018": ("friendship", "listed", 2018, "ITNAP ITSAL ITCAS"),
    "yokohama-trade-1969": ("antecedent", "listed", 1969, "JPYOK"),
    "indonesia-ipc-mou-2019": ("mou", "signed", 2019, "IDJKT"),
    "copenhagen-malmo-mou-2019": ("mou", "signed", 2019, "DKCPH SEMMA"),
    "long-beach-mou-2020": ("mou", "signed", 2020, "USLGB"),
    "nagoya-mou-2020": ("mou", "signed", 2020, "JPNGO"),
    "tokyo-yokohama-mou-2023": ("mou", "signed", 2023, "JPTYO JPYOK"),
    "tokyo-yokohama-corridor-2023": ("corridor", "intended", 2023, "JPTYO JPYOK"),
    "gothenburg-mou-2023": ("mou", "signed", 2023, "SEGOT"),
    "california-port-data-partnership-2023": ("mou", "signed", 2023, "USLGB USOAK USNTD USSAN"),
    "singapore-san-pedro-bay-corridor-2023": ("corridor", "signed", 2023, "USLGB SGSIN"),
    "nagoya-mou-2023": ("mou", "signed", 2023, "JPNGO"),
    "shanghai-corridor": ("corridor", "established", None, "CNSHA"),
    "sister-and-friendship-general": ("general", "listed", None, ""),
}


def codes(agreement_id: str) -> list[str]:
    parties = CATALOGUE.get(agreement_id).parties
    return [port.locode for p in parties for port in p.party.ports if p.party.id != "port-of-los-angeles"]


def test_one_document_for_every_row() -> None:
    assert {a.id for a in CATALOGUE.agreements} == set(EXPECTED)
    assert len(CATALOGUE.agreements) == 29


@pytest.mark.parametrize("agreement_id", EXPECTED)
def test_facts_of_each_document(agreement_id: str) -> None:
    agreement = CATALOGUE.get(agreement_id)
    kind, status, year, partners = EXPECTED[agreement_id]
    assert (agreement.kind, agreement.status, agreement.year) == (kind, status, year)
    assert codes(agreement_id) == partners.split()
    assert agreement.date is None  # neither document prints a day
    assert agreement.sources


def test_fifteen_lines_are_seventeen_agreements_when_the_tyrrhenian_ports_count_singly() -> None:
    listed = CATALOGUE.find(Kind.SISTER) + CATALOGUE.find(Kind.FRIENDSHIP)
    assert len(listed) == 15
    assert sum(max(1, len(codes(a.id))) for a in listed) == 17
    assert any("our reading" in note for note in CATALOGUE.get("central-tyrrhenian-friendship-2018").notes)


def test_antecedents_of_1959_and_1969_are_linked() -> None:
    assert CATALOGUE.get("nagoya-sister-1959").antecedents == ("nagoya-affiliation-1959",)
    assert "yokohama-trade-1969" in CATALOGUE.get("tokyo-yokohama-mou-2023").antecedents
    assert [p.party.id for p in CATALOGUE.get("nagoya-affiliation-1959").parties] == [
        "city-of-los-angeles",
        "city-of-nagoya",
    ]


def test_c40_facilitates_and_is_no_party() -> None:
    corridor = CATALOGUE.get("singapore-san-pedro-bay-corridor-2023")
    assert [p.party.name for p in corridor.facilitators] == ["C40 Cities"]
    assert all(p.party.name != "C40 Cities" for p in corridor.parties)


def test_tokyo_and_yokohama_signed_separately() -> None:
    assert [a.id for a in CATALOGUE.agreements if a.separate_agreements] == ["tokyo-yokohama-mou-2023"]


def test_areas_are_used_and_aims_are_not() -> None:
    used = {area.id for agreement in CATALOGUE.agreements for area in agreement.areas}
    aims = {area.id for area in CATALOGUE.areas.values() if area.kind is AreaKind.AIM}
    assert used == set(CATALOGUE.areas) - aims
    assert len(aims) == 4


def test_an_agreement_lists_an_area_only_where_a_source_of_it_names_that_area() -> None:
    # MoUs and corridors are described in lines of their own, so area and agreement share at least one line.
    for agreement in CATALOGUE.agreements:
        own = {(s.document.id, line) for s in agreement.sources for line in s.lines}
        for area in agreement.areas:
            named = {(s.document.id, line) for s in area.named_in for line in s.lines}
            assert own & named, f"{agreement.id} lists {area.id}, which its lines {own} do not name"


def test_find_by_code_country_and_name_without_accents() -> None:
    by_code = CATALOGUE.find(partner="jp ngo")
    assert {a.id for a in by_code} == {"nagoya-sister-1959", "nagoya-mou-2020", "nagoya-mou-2023"}
    assert {a.id for a in CATALOGUE.find(Kind.MOU, "SE")} == {"copenhagen-malmo-mou-2019", "gothenburg-mou-2023"}
    assert {a.id for a in CATALOGUE.find(partner="malmo")} == {"copenhagen-malmo-mou-2019"}
    assert {a.id for a in CATALOGUE.find(partner="LÁZARO CARDENAS")} == {"lazaro-cardenas-sister-1997"}
    assert CATALOGUE.find(partner="Rotterdam") == ()


def test_every_port_is_known_to_the_reference_tables() -> None:
    ports = importlib.import_module("sealane.reference.ports")
    for party in CATALOGUE.parties.values():
        for port in party.ports:
            assert ports.port(port.locode).country


def test_status_follows_the_documents() -> None:
    assert [a.id for a in CATALOGUE.agreements if a.status is Status.ESTABLISHED] == ["shanghai-corridor"]
    assert [a.id for a in CATALOGUE.agreements if a.status is Status.INTENDED] == ["tokyo-yokohama-corridor-2023"]


def test_titles_carry_the_year_they_state() -> None:
    for agreement in CATALOGUE.agreements:
        stated = re.findall(r"\b(19|20)(\d\d)\b", agreement.title)
        assert all(int(a + b) == agreement.year for a, b in stated), agreement.id
