"""How one version of an agreement moves: a table of state and event, asked before every change.

A party that has signed cannot decline any more, it retires: so no order of messages leaves one party bound and the
other not.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class AgreementState(StrEnum):
    """Where one version of an agreement stands on this node."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    DECLINED = "declined"


class AgreementEvent(StrEnum):
    """What can happen to it."""

    PROPOSE = "propose"  # the first party signs and sends it
    SIGN = "sign"  # a party signs, others are still missing
    COMPLETE = "complete"  # the last missing signature is there
    SUPERSEDE = "supersede"  # a newer version begins
    RETIRE = "retire"  # a party ends it
    DECLINE = "decline"  # a party that has not signed says no


_D, _P, _F = AgreementState.DRAFT, AgreementState.PROPOSED, AgreementState.IN_FORCE
_S, _R, _X = AgreementState.SUPERSEDED, AgreementState.RETIRED, AgreementState.DECLINED
_E = AgreementEvent

# None: refused. The same state: nothing happens, so that a message told twice does no harm.
TRANSITIONS: Mapping[tuple[AgreementState, AgreementEvent], AgreementState | None] = MappingProxyType(
    {
        (_D, _E.PROPOSE): _P,
        (_D, _E.SIGN): None,
        (_D, _E.COMPLETE): None,
        (_D, _E.SUPERSEDE): None,
        (_D, _E.RETIRE): _R,
        (_D, _E.DECLINE): None,
        (_P, _E.PROPOSE): _P,
        (_P, _E.SIGN): _P,
        (_P, _E.COMPLETE): _F,
        (_P, _E.SUPERSEDE): None,
        (_P, _E.RETIRE): _R,
        (_P, _E.DECLINE): _X,
        (_F, _E.PROPOSE): _F,
        (_F, _E.SIGN): _F,
        (_F, _E.COMPLETE): _F,
        (_F, _E.SUPERSEDE): _S,
        (_F, _E.RETIRE): _R,
        (_F, _E.DECLINE): None,
        (_S, _E.PROPOSE): _S,
        (_S, _E.SIGN): _S,
        (_S, _E.COMPLETE): _S,
        (_S, _E.SUPERSEDE): _S,
        (_S, _E.RETIRE): _S,
        (_S, _E.DECLINE): None,
        (_R, _E.PROPOSE): None,
        (_R, _E.SIGN): None,
        (_R, _E.COMPLETE): None,
        (_R, _E.SUPERSEDE): None,
        (_R, _E.RETIRE): _R,
        (_R, _E.DECLINE): None,
        (_X, _E.PROPOSE): None,
        (_X, _E.SIGN): None,
        (_X, _E.COMPLETE): None,
        (_X, _E.SUPERSEDE): None,
        (_X, _E.RETIRE): _X,
        (_X, _E.DECLINE): _X,
    }
)

# States in which a version still binds or may come to bind.
LIVE = (AgreementState.DRAFT, AgreementState.PROPOSED, AgreementState.IN_FORCE)
