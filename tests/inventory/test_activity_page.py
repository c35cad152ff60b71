"""docs/method/activity.md shows the rules as they are: transitions, cleaning rules, settings, modes, evidence."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from sealane.emissions.layout import EVIDENCE_NAMES, MODE_NAMES
from sealane.inventory.settings import Settings
from sealane.movement.cleaning import RULES
from sealane.movement.port_calls import TRANSITIONS, Action, Observation, State, transition

PAGE = (Path(__file__).parents[2] / "docs" / "method" / "activity.md").read_text(encoding="utf-8")


def transition_table() -> str:
    """States down, observations across; the machine's own answers."""
    lines = ["| | " + " | ".join(f"`{o.name}`" for o in Observation) + " |", "|---" * (len(Observation) + 1) + "|"]
    for state in State:
        cells = []
        for observation in Observation:
            following, action = transition(state, observation)
            cells.append(following.name + (f", *{action.name}*" if action is not Action.NONE else ""))
        lines.append(f"| **{state.name}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rule_table() -> str:
    return "\n".join(
        ["| rule | what happens | to |", "|---|---|---|"]
        + [f"| `{name}` | {does} | {meaning} |" for name, (does, meaning) in RULES.items()]
    )


TABLES = {"transitions": transition_table, "rules": rule_table}


@pytest.mark.parametrize("name", TABLES)
def test_tables_on_the_page_are_current(name: str) -> None:
    shown = PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()
    current = TABLES[name]()
    assert shown == current, f"put this between the marks of docs/method/activity.md:\n{current}"


def test_every_state_and_observation_is_shown() -> None:
    assert len(TRANSITIONS) == len(State) * len(Observation)
    for observation in Observation:
        assert re.search(rf"^\| `{observation.name}` \|", PAGE, re.MULTILINE), observation.name
    table = transition_table().splitlines()
    assert len(table) == 2 + len(State)
    assert all(line.count("|") == len(Observation) + 2 for line in table)


SETTINGS = [
    (field.name, getattr(getattr(Settings(), group.name), field.name))
    for group in dataclasses.fields(Settings)
    for field in dataclasses.fields(getattr(Settings(), group.name))
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_every_setting_is_named_with_its_default(name: str, value: float) -> None:
    assert re.search(rf"`{name}`\s+\({value:g}[ )]", PAGE), f"`{name}` ({value:g} …)"


def test_a_setting_with_another_default_would_be_seen() -> None:
    """Negative control for the pattern above."""
    assert re.search(r"`hold_min`\s\(10[ )]", PAGE)
    assert not re.search(r"`hold_min`\s\(1[ )]", PAGE)


def test_modes_and_evidence_are_named() -> None:
    for name in (*MODE_NAMES, *EVIDENCE_NAMES):
        assert f"`{name}`" in PAGE, name
