"""The table of states: every pair of state and event has an answer, and the answers keep the promises."""

from __future__ import annotations

from itertools import product

import pytest

from sealane.exchange.agreement_states import LIVE, TRANSITIONS, AgreementEvent, AgreementState

S, E = AgreementState, AgreementEvent
ENDED = {S.SUPERSEDED, S.RETIRED, S.DECLINED}

# What moves; typed again from the rules, not from the table.
MOVES = {
    (S.DRAFT, E.PROPOSE): S.PROPOSED,
    (S.DRAFT, E.RETIRE): S.RETIRED,
    (S.PROPOSED, E.COMPLETE): S.IN_FORCE,
    (S.PROPOSED, E.RETIRE): S.RETIRED,
    (S.PROPOSED, E.DECLINE): S.DECLINED,
    (S.IN_FORCE, E.SUPERSEDE): S.SUPERSEDED,
    (S.IN_FORCE, E.RETIRE): S.RETIRED,
}
# What was told before and is told again does no harm.
STAYS = {
    (S.PROPOSED, E.PROPOSE),
    (S.PROPOSED, E.SIGN),
    *product((S.IN_FORCE, S.SUPERSEDED), (E.PROPOSE, E.SIGN, E.COMPLETE)),
    (S.SUPERSEDED, E.SUPERSEDE),
    *((state, E.RETIRE) for state in ENDED),
    (S.DECLINED, E.DECLINE),
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_every_pair(state: AgreementState, event: AgreementEvent) -> None:
    if (state, event) in MOVES:
        expected: AgreementState | None = MOVES[state, event]
    else:
        expected = state if (state, event) in STAYS else None
    assert TRANSITIONS[state, event] is expected


def test_the_table_holds_every_pair_and_no_other() -> None:
    assert set(TRANSITIONS) == set(product(S, E))


def test_what_has_ended_never_comes_back() -> None:
    for (state, _), new in TRANSITIONS.items():
        if state in ENDED:
            assert new in (state, None)


def test_only_the_last_signature_brings_a_version_into_force() -> None:
    assert {pair for pair, new in TRANSITIONS.items() if new is S.IN_FORCE and pair[0] is not S.IN_FORCE} == {
        (S.PROPOSED, E.COMPLETE)
    }


def test_every_live_state_can_be_ended_by_one_party_alone() -> None:
    assert all(TRANSITIONS[state, E.RETIRE] is S.RETIRED for state in LIVE)
