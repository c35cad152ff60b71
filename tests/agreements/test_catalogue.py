"""The strict reader: all faults at once, each with file and path; nothing is guessed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sealane.agreements
from sealane.agreements import load_agreements, read_agreements
from sealane.errors import DataError, InputError

SHIPPED = Path(sealane.agreements.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "agreements", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path / "agreements"


def faults_of(folder: Path) -> dict[str, str]:
    with pytest.raises(DataError) as caught:
        read_agreements(folder)
    assert caught.value.exit_code == 2
    return {fault.where: f"{fault.found}. {fault.remedy}" for fault in caught.value.faults}


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_untouched_copy_is_read(folder: Path) -> None:
    assert read_agreements(folder) == load_agreements()


def test_all_faults_of_several_documents_come_at_once(folder: Path) -> None:
    edit(folder, "documents/nagoya-mou-2020.yaml", "kind: mou", "kind: treaty")
    edit(folder, "documents/nagoya-mou-2020.yaml", "status: signed", "status: done\ncolour: blue")
    edit(folder, "documents/nagoya-mou-2020.yaml", "  - operational_efficiency", "  - operational_eficiency")
    edit(folder, "documents/nagoya-mou-2020.yaml", "party: port-of-nagoya", "party: port-of-nagoja")
    edit(folder, "documents/gothenburg-mou-2023.yaml", "year: 2023", "year: 20233")
    edit(folder, "documents/gothenburg-mou-2023.yaml", "document: A", "document: C")
    edit(folder, "documents/busan-sister-2006.yaml", "clauses: []", "clauses: [{dataset: calls}]")
    edit(folder, "parties.yaml", "locode: SEGOT", "locode: GOT")
    faults = faults_of(folder)
    assert "Choose one of: sister" in faults["nagoya-mou-2020.yaml: kind"]
    assert "'done'" in faults["nagoya-mou-2020.yaml: status"]
    assert "unknown key" in faults["nagoya-mou-2020.yaml: colour"]
    assert "nearest: operational_efficiency" in faults["nagoya-mou-2020.yaml: areas[0]"]
    assert "nearest: port-of-nagoya" in faults["nagoya-mou-2020.yaml: parties[1].party"]
    assert "20233" in faults["gothenburg-mou-2023.yaml: year"]
    assert "Choose one of: A, B" in faults["gothenburg-mou-2023.yaml: sources[0]"]
    assert "no clause is public" in faults["busan-sister-2006.yaml: clauses"]
    assert "UN/LOCODE" in faults["parties.yaml: port-of-gothenburg.ports[0].locode"]


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ("kind: sister", "kind: sister\nkind: mou", "busan-sister-2006.yaml line 5, column 1", "given twice"),
        ("year: 2006", "year: true", "busan-sister-2006.yaml: year", "true/false"),
        ("year: 2006", "year: '2006'", "busan-sister-2006.yaml: year", "text"),
        ("date: null", "date: 2007-01-01", "busan-sister-2006.yaml: date", "Must lie in the year 2006"),
        ("date: null", "date: 2006-01-01T10:00:00", "busan-sister-2006.yaml: date", "without a time"),
        ("areas: []", "areas: null", "busan-sister-2006.yaml: areas", "nothing (null)"),
        ("areas: []", "areas: [[]]", "busan-sister-2006.yaml: areas[0]", "a list"),
        ("lines: [31]", "lines: [0]", "busan-sister-2006.yaml: sources[0]", "counted from 1"),
        ("lines: [31]", "lines: [true]", "busan-sister-2006.yaml: sources[0]", "counted from 1"),
        ("areas: []", "areas: [metrics, metrics]", "busan-sister-2006.yaml: areas[1]", "second time"),
        ("areas: []", "areas: &a [*a]", "busan-sister-2006.yaml line 11", "alias"),
        ("areas: []", "areas: [}", "busan-sister-2006.yaml line 11, column 9", "Correct the YAML"),
        ("id: busan-sister-2006", "id: busan", "busan-sister-2006.yaml: id", "busan-sister-2006"),
        ("title: \"", "note: \"", "busan-sister-2006.yaml: title", "is missing"),
        ("areas: []", "antecedents: [nowhere]\nareas: []", "busan-sister-2006.yaml: antecedents[0]", "nowhere"),
        ("areas: []", "antecedents: [nagoya-mou-2023]\nareas: []", "busan-sister-2006.yaml: antecedents[0]", "earlier"),
        ("- {party: port-of-los-angeles}", "- port-of-los-angeles", "busan-sister-2006.yaml: parties[0]", "text"),
        ("{party: port-of-los-angeles}", "{party: port-of-busan}", "busan-sister-2006.yaml: parties[1].party", "time"),
    ],
)  # fmt: skip
def test_one_fault(folder: Path, old: str, new: str, where: str, found: str) -> None:
    edit(folder, "documents/busan-sister-2006.yaml", old, new)
    faults = faults_of(folder)
    assert where in faults, faults
    assert found in faults[where]


def test_files_that_are_no_documents(folder: Path) -> None:
    (folder / "documents" / "latin.yaml").write_bytes(b"title: Malm\xf6\n")
    (folder / "documents" / "list.yaml").write_text("- 1\n", encoding="utf-8")
    (folder / "documents" / "nul.yaml").write_bytes(b"id: a\x00b\n")
    (folder / "documents" / "huge.yaml").write_bytes(b"#" * 1_000_001)
    (folder / "documents" / "deep.yaml").write_text("[" * 5000, encoding="utf-8")
    faults = faults_of(folder)
    assert "UTF-8" in faults["latin.yaml byte 11"]
    assert "a list" in faults["list.yaml"]
    assert "1000001 bytes" in faults["huge.yaml"]
    assert any(where.startswith("nul.yaml") for where in faults)
    assert any(where.startswith("deep.yaml") for where in faults)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "areas.yaml").unlink()
    assert "cannot be read" in faults_of(folder)["areas.yaml"]


def test_no_documents_is_a_fault(folder: Path) -> None:
    shutil.rmtree(folder / "documents")
    assert "no *.yaml" in faults_of(folder)["documents/"]


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Nearest: .*nagoya-mou-2023"):
        load_agreements().get("nagoya-mou-2024")
