"""Templates: unfilled they are refused blank by blank, filled in they are valid documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from sealane.agreements.documents import read_document
from sealane.agreements.templates import list_templates, template_named
from sealane.errors import DataError, InputError
from sealane.exchange.registry import known_datasets

NAMES = ("california-port-data-partnership", "green-corridor", "mou-port-community-system", "sister-port")
KEYS = ("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw")
FIELDS = {name: list(dict.fromkeys(known_datasets()[name].required)) for name in known_datasets()}
FILLED: dict[str, Any] = {
    "id": "filled-in",
    "title": "Filled in",
    "valid_from": "2027-01-01T00:00:00Z",
    "document": "The signed text",
    "purposes": "supply-chain-visibility",
    "rows": "all",
    "delay": "PT6H",
    "onward": "none",
    "delete_after": "P30D",
    "period": "month",
    "minimum_group": 3,
    "source": "A law",
    "what": "Less",
    "due": "2030-12-31",
    "indicator": "CO2e",
    "unit": "t",
    "target": 5,
    "aim": "at_most",
}


def fill(content: dict[str, Any]) -> dict[str, Any]:
    """Fill in every blank as a port would, from its key and its words."""
    numbers = iter(range(100))

    def filled(key: str, text: str, dataset: str | None) -> Any:
        if "party id" in text:
            return "port-of-nagoya" if "first" in text or "who promises" in text else "port-of-yokohama"
        if key == "participant":
            return f"urn:example:node-{next(numbers)}"
        if key == "origin":
            return f"https://node-{next(numbers)}.example.org"
        if key == "x":
            return KEYS[0][:20] + f"{next(numbers):02}" + KEYS[0][22:]
        if key == "fields":
            return FIELDS[str(dataset)]
        return "A visit" if key == "title" and "plan together" in text else FILLED[key]

    def walk(value: Any, key: str, dataset: str | None) -> Any:
        if isinstance(value, dict):
            return {k: walk(v, k, value.get("dataset", dataset)) for k, v in value.items()}
        if isinstance(value, list):
            found = [walk(item, key, dataset) for item in value]
            return found[0] if found and isinstance(found[0], list) else found
        return filled(key, value, dataset) if isinstance(value, str) and value.startswith("FILL:") else value

    result: dict[str, Any] = walk(content, "", None)
    return result


def test_the_templates_are_these() -> None:
    assert tuple(template.name for template in list_templates()) == NAMES
    assert all(len(template.about) > 30 for template in list_templates())
    with pytest.raises(InputError, match="Nearest: green-corridor"):
        template_named("green-coridor")


@pytest.mark.parametrize("name", NAMES)
def test_an_unfilled_template_names_every_blank_and_nothing_else(name: str) -> None:
    text = template_named(name).text
    with pytest.raises(DataError) as caught:
        read_document(text.encode(), f"{name}.yaml", known_datasets())
    blanks = [fault for fault in caught.value.faults if fault.found == "a blank of the template"]
    assert len(blanks) == text.count('"FILL:')
    assert len(blanks) == len(caught.value.faults)


@pytest.mark.parametrize("name", NAMES)
def test_a_filled_template_is_valid(name: str) -> None:
    content = fill(yaml.safe_load(template_named(name).text))
    document = read_document(json.dumps(content).encode(), f"{name}.json", known_datasets())
    assert document.version == 1


def test_the_sister_port_template_lets_nothing_through() -> None:
    assert yaml.safe_load(template_named("sister-port").text)["clauses"] == []


def test_only_what_is_no_template_text_is_a_term() -> None:
    """Terms nobody agreed on are blanks, save where the whole document says that it is a demonstration."""
    for template in list_templates():
        content = yaml.safe_load(template.text)
        if content["demonstration"]:
            continue
        for clause in content["clauses"]:
            for key in ("delay", "onward", "rows"):
                assert clause[key].startswith("FILL:"), (template.name, clause["id"], key)
            assert clause["purposes"][0].startswith("FILL:")


def test_california_forbids_labour_and_productivity_tracking_by_public_law() -> None:
    content = fill(yaml.safe_load(template_named("california-port-data-partnership").text))
    document = read_document(json.dumps(content).encode(), "california.json", known_datasets())
    assert [party.id for party in document.parties] == [
        "port-of-hueneme",
        "port-of-long-beach",
        "port-of-los-angeles",
        "port-of-oakland",
        "port-of-san-diego",
    ]
    (prohibition,) = document.prohibitions
    assert prohibition.purposes == {"labour-tracking", "labour-productivity"}
    assert "12100.131(b)(3)" in prohibition.source
    assert document.label == "demonstration terms"
    assert all(clause.demonstration for clause in document.clauses)
    # The prohibition binds: a clause that agrees on the purpose is refused.
    content["clauses"][0]["purposes"].append("labour-productivity")
    with pytest.raises(DataError, match="prohibited by no-labour-tracking"):
        read_document(json.dumps(content).encode(), "california.json", known_datasets())
