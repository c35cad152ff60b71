"""The reference page names every key, purpose, state and endpoint, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.agreements.test_documents import content, read

from sealane.agreements.documents import normal_form
from sealane.agreements.templates import list_templates
from sealane.agreements.terms_reader import load_purposes
from sealane.exchange.agreement_states import AgreementState

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "agreement-documents.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "agreements.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def keys_of(title: str) -> set[str]:
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section(title), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_key_stands_in_its_table_and_no_other() -> None:
    document = normal_form(read(content()))
    assert keys_of("The document") == set(document)
    assert keys_of("A clause") == {key for clause in document["clauses"] for key in clause}
    assert keys_of("A prohibition") == {*document["prohibitions"][0], "datasets", "note"}


@pytest.mark.parametrize("part", ["participants", "activities", "commitments", "parties", "sources"])
def test_the_keys_of_the_smaller_parts_are_named(part: str) -> None:
    for entry in normal_form(read(content()))[part]:
        for key in entry:
            assert f"`{key}`" in section("The document"), key


def test_every_purpose_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section("Purposes"), re.MULTILINE))
    assert rows == dict(load_purposes())


def test_the_how_to_names_every_state_and_template() -> None:
    for state in AgreementState:
        assert f"| {state.value.replace('_', ' ')} |" in HOW_TO
    for template in list_templates():
        assert f"| `{template.name}` |" in HOW_TO
    assert "our reading" in HOW_TO
