"""`sealane agreement list` and `show`."""

from __future__ import annotations

import json

import pytest

from sealane.agreements import Kind, load_agreements
from sealane.cli.agreement import COUNT_NOTE
from sealane.cli.main import run


@pytest.fixture(autouse=True)
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALANE_NODE", raising=False)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, told: str = "") -> str:
    assert run(["agreement", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == (f"{told}\n" if told else "")
    return captured.out


def test_list_names_every_agreement_once_by_year(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list", told=COUNT_NOTE).splitlines()
    ids = [line.split()[0] for line in lines[1:]]
    assert ids == [agreement.id for agreement in load_agreements().agreements]


def test_the_count_of_the_ports_page_is_explained_where_it_matters(capsys: pytest.CaptureFixture[str]) -> None:
    assert "17" in COUNT_NOTE
    assert "15" in COUNT_NOTE
    assert "our reading" in COUNT_NOTE
    printed(capsys, "list", "--kind", "sister", told=COUNT_NOTE)
    printed(capsys, "list", "--kind", "friendship", told=COUNT_NOTE)
    printed(capsys, "list", "--kind", "mou")
    printed(capsys, "list", "--partner", "JPNGO")


@pytest.mark.parametrize("kind", Kind)
def test_list_by_kind(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "list", "--kind", kind.value, "--json"))
    assert found
    assert {agreement["kind"] for agreement in found} == {kind.value}


def test_list_by_partner(capsys: pytest.CaptureFixture[str]) -> None:
    by_code = json.loads(printed(capsys, "list", "--partner", "SGSIN", "--json"))
    assert [agreement["id"] for agreement in by_code] == ["singapore-san-pedro-bay-corridor-2023"]
    assert json.loads(printed(capsys, "list", "--partner", "Atlantis", "--json")) == []


@pytest.mark.parametrize("agreement", load_agreements().agreements, ids=lambda a: a.id)
def test_show_says_everything_the_document_holds(
    agreement: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    known = load_agreements().get(agreement.id)  # type: ignore[attr-defined] # parametrised over agreements
    text = printed(capsys, "show", known.id)
    for expected in (known.title, known.kind.value, known.status.value, *known.antecedents, *known.notes):
        assert expected in text
    for area in known.areas:
        assert area.id in text
    for party in known.parties + known.facilitators:
        assert party.named in text
    for source in known.sources:
        assert str(source) in text
    content = json.loads(printed(capsys, "show", known.id, "--json"))
    assert content["id"] == known.id
    assert [area["id"] for area in content["areas"]] == [area.id for area in known.areas]
    assert [s["lines"] for s in content["sources"]] == [list(s.lines) for s in known.sources]
    assert content["clauses"] == []


def test_show_of_an_unknown_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "show", "nagoya-mou-2022", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nagoya-mou-2023" in captured.err


def test_a_list_of_none_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "list", "--partner", "Nowhere", "--kind", "mou"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no agreement fits kind mou and partner 'Nowhere'" in printed.err
    assert run(["agreement", "list", "--partner", "Nowhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["agreement", "list", "--partner", "Nagoya"]) == 0
    assert capsys.readouterr().err == ""
