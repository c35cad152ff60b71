"""Pages and interface of the exchange with partners."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request

from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.alarms import take_back_alarm
from sealane.exchange.checkpoints import clear_alarm as accept_log
from sealane.exchange.ledger import EntryKind
from sealane.exchange.peers import get_peer
from sealane.exchange.streams import Stream
from sealane.node.context import Node
from sealane.node.peer_check import check_peer
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, Viewer, reading, writing
from sealane.web.accounts.roles import Role
from sealane.web.derivation import Derivation
from sealane.web.exchange import steps
from sealane.web.exchange.checks import ask_for, find_check
from sealane.web.exchange.figures import TABLES, Counted, count_derivation, value_derivation
from sealane.web.exchange.models import (
    AlarmTaken,
    CheckPage,
    CheckShown,
    ExchangePage,
    LogPage,
    NewCheck,
    Nothing,
    PartnerChecked,
    Reason,
    Retried,
    StreamDone,
    StreamPage,
    WhichPartner,
)
from sealane.web.exchange.reading import exchange_page, log_page, stream_page
from sealane.web.rooms import Room

StreamId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
CheckId = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
LetterId = Annotated[int, Path(ge=1, le=2**62)]
Text = Annotated[str | None, Query(max_length=300)]
_ACTORS = frozenset({"officer", "administrator", "operator"})


def room(node: Node) -> Room:
    """Return the room."""
    made = Room("exchange", node)
    _pages(made, node)
    _explain(made, node)
    _stream_steps(made, node)
    _partner_steps(made, node)
    return made


def _pages(room: Room, node: Node) -> None:
    @room.view("/exchange", "exchange/page.html.j2")
    def exchange(viewer: Viewed) -> ExchangePage:
        """How the exchange with partners stands."""
        with reading(node, viewer) as connection:
            return exchange_page(
                node, connection, may_act=_may_act(viewer), may_manage=viewer.role is Role.ADMINISTRATOR
            )

    @room.view("/exchange/streams/{stream_id}", "exchange/stream.html.j2")
    def stream(viewer: Viewed, stream_id: StreamId) -> StreamPage:
        """One stream: what waits, what failed and why, what the partner refused."""
        with reading(node, viewer) as connection:
            return stream_page(connection, stream_id, node.clock(), may_act=_may_act(viewer))

    @room.view("/exchange/log", "exchange/log.html.j2")
    def log(
        viewer: Viewed,
        peer: Text = None,
        kind: Annotated[EntryKind | None, Query()] = None,
        subject: Text = None,
        after: Annotated[int, Query(ge=-1, le=2**62)] = -1,
    ) -> LogPage:
        """Entries of the node's tamper-evident log."""
        with reading(node, viewer) as connection:
            return log_page(connection, peer=peer or None, kind=kind, subject=subject or None, after=after)

    @room.view("/exchange/checks/{check_id}", "exchange/check.html.j2")
    def check(viewer: Viewed, check_id: CheckId) -> CheckPage:
        """One check of the log: how far it is, or what it found."""
        with reading(node, viewer) as connection:
            return CheckPage(check=find_check(connection, check_id))


def _explain(room: Room, node: Node) -> None:
    @room.view("/explain/exchange/{what}", "explain/derivation.html.j2")
    def explain(viewer: Viewed, what: Counted, request: Request) -> Derivation:
        """Where a figure of the exchange comes from: what is counted, in which table, by which filter."""
        filters = {name[:40]: value[:300] for name, value in request.query_params.items()}
        with reading(node, viewer) as connection:
            derive = count_derivation if what in TABLES else value_derivation
            return derive(connection, what, filters, node.clock())


def _stream_steps(room: Room, node: Node) -> None:
    @room.action("POST", "/exchange/streams/{stream_id}/pause")
    def pause(viewer: Viewed, stream_id: StreamId, body: Reason, request: Request) -> StreamDone:
        """Pause a stream; what waits keeps waiting, and the partner is told."""
        now = node.clock()
        with writing(node, viewer) as connection:
            found = steps.pause(node, connection, stream_id, body.reason, now)
            told = _about(found) | {"reason": body.reason}
            audit.note(connection, viewer, "stream.pause", stream_id, told, request.state.request_id, now)
        return StreamDone(id=found.id, state=found.state, words="Nothing flows on it until it is resumed.")

    @room.action("POST", "/exchange/streams/{stream_id}/resume")
    def resume(viewer: Viewed, stream_id: StreamId, body: Nothing, request: Request) -> StreamDone:
        """Resume a paused stream."""
        now = node.clock()
        with writing(node, viewer) as connection:
            found = steps.resume(node, connection, stream_id, now)
            audit.note(connection, viewer, "stream.resume", stream_id, _about(found), request.state.request_id, now)
        words = "It flows." if found.state == "open" else "It flows as soon as the partner has been told."
        return StreamDone(id=found.id, state=found.state, words=words)

    @room.action("POST", "/exchange/streams/{stream_id}/recover")
    def recover(viewer: Viewed, stream_id: StreamId, body: Nothing, request: Request) -> StreamDone:
        """Let a stream that an alarm stopped go on, once you know why it stopped."""
        number = steps.recover(node, stream_id)
        now = node.clock()
        with writing(node, viewer) as connection:
            found = steps.find(connection, stream_id)
            told = _about(found) | {"next_sequence": number}
            audit.note(connection, viewer, "stream.recover", stream_id, told, request.state.request_id, now)
        return StreamDone(id=found.id, state=found.state, words=f"It goes on with number {number}.")

    @room.action("POST", "/exchange/streams/{stream_id}/letters/retry")
    def retry_all(viewer: Viewed, stream_id: StreamId, body: Nothing, request: Request) -> Retried:
        """Decide all dead letters of a stream anew and send them once more."""
        now = node.clock()
        with writing(node, viewer) as connection:
            number = steps.retry_all(connection, stream_id, now)
            told = {"letters": number}
            audit.note(connection, viewer, "letters.retry", stream_id, told, request.state.request_id, now)
        return Retried(retried=number)

    @room.action("POST", "/exchange/letters/{letter_id}/retry")
    def retry(viewer: Viewed, letter_id: LetterId, body: Nothing, request: Request) -> Retried:
        """Decide one dead letter anew and send it once more."""
        now = node.clock()
        with writing(node, viewer) as connection:
            letter = steps.retry(connection, letter_id, now)
            told = {"stream": letter.stream_id, "event": letter.event_id}
            audit.note(connection, viewer, "letter.retry", str(letter_id), told, request.state.request_id, now)
        return Retried(retried=1)

    @room.action("DELETE", "/exchange/letters/{letter_id}", status=204)
    def drop(viewer: Viewed, letter_id: LetterId, request: Request) -> None:
        """Give a dead letter up for good; the log keeps the fact."""
        now = node.clock()
        with writing(node, viewer) as connection:
            letter = steps.drop(connection, letter_id, now)
            told = {"stream": letter.stream_id, "event": letter.event_id}
            audit.note(connection, viewer, "letter.drop", str(letter_id), told, request.state.request_id, now)


def _partner_steps(room: Room, node: Node) -> None:
    @room.action("POST", "/exchange/checks", status=202)
    def ask(viewer: Viewed, body: NewCheck, request: Request) -> CheckShown:
        """Ask for a check: of the own log, against a partner's log, or an exchange of checkpoints."""
        now = node.clock()
        with writing(node, viewer) as connection:
            check_id = ask_for(connection, body.kind, body.participant, viewer.login, now)
            told = {"kind": body.kind, "partner": body.participant}
            audit.note(connection, viewer, "log.check", check_id, told, request.state.request_id, now)
            return find_check(connection, check_id)

    @room.action("POST", "/exchange/partners/check")
    def check(viewer: Viewed, body: WhichPartner, request: Request) -> PartnerChecked:
        """Ask a partner for its keys, and whether it knows this node."""
        _known(node, viewer, body.participant)
        found = check_peer(node, body.participant)
        now = node.clock()
        with writing(node, viewer) as connection:
            told = {"troubles": len(found.troubles)}
            audit.note(connection, viewer, "partner.check", body.participant, told, request.state.request_id, now)
        return PartnerChecked(participant=body.participant, keys=list(found.keys), troubles=list(found.troubles))

    @room.action("POST", "/exchange/partners/alarm/clear")
    def clear(viewer: Viewed, body: WhichPartner, request: Request) -> AlarmTaken:
        """Take the alarm about a partner back: you have looked into its cause."""
        _known(node, viewer, body.participant)
        now = node.clock()
        with writing(node, viewer) as connection:
            alarm = take_back_alarm(connection, body.participant, now)
            told = {"alarm": alarm}
            audit.note(connection, viewer, "partner.alarm", body.participant, told, request.state.request_id, now)
        return AlarmTaken(participant=body.participant, alarm=alarm)

    @room.action("POST", "/exchange/partners/log/accept")
    def accept(viewer: Viewed, body: WhichPartner, request: Request) -> AlarmTaken:
        """Accept a partner's log anew, for instance after it was restored from a backup; the evidence stays."""
        _known(node, viewer, body.participant)
        now = node.clock()
        with writing(node, viewer) as connection:
            peer = get_peer(connection, body.participant)
            alarm = None if peer is None else peer.alarm
            accept_log(connection, body.participant, now)
            told = {"alarm": alarm}
            audit.note(connection, viewer, "partner.log", body.participant, told, request.state.request_id, now)
        return AlarmTaken(participant=body.participant, alarm=alarm)


def _known(node: Node, viewer: Viewer, participant: str) -> None:
    with reading(node, viewer) as connection:
        if get_peer(connection, participant) is None:
            raise RequestRefusedError(
                404,
                "unknown-partner",
                Phrase("This participant is not registered here."),
                Phrase("See /exchange for all."),
            )


def _may_act(viewer: Viewer) -> bool:
    return viewer.standing in _ACTORS


def _about(stream: Stream) -> dict[str, str]:
    return {
        "partner": stream.peer,
        "clause": f"{stream.agreement_id}@{stream.agreement_version}#{stream.clause_id}",
        "direction": stream.direction,
    }
