"""The endpoints of cargo: search, one journey, one milestone's origin, following, export."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, reading, writing
from sealane.web.agreements.models import NO_NUL
from sealane.web.cargo import follows
from sealane.web.cargo.export import journey_csv
from sealane.web.cargo.journey import explain_journey, journey_page
from sealane.web.cargo.milestone import milestone_page
from sealane.web.cargo.models import CargoKind, JourneyPage, MilestonePage, SearchPage, Shown
from sealane.web.cargo.references import (
    MAX_REFERENCE,
    explain_records,
    key_of,
    path_of,
    reference_of,
    search,
    wrong_number,
)
from sealane.web.derivation import Derivation
from sealane.web.rooms import Room

DERIVATION = "explain/derivation.html.j2"
Reference = Annotated[str, Path(max_length=MAX_REFERENCE, pattern=NO_NUL)]
FollowId = Annotated[str, Path(max_length=36, pattern=NO_NUL)]
Text = Annotated[str, Query(max_length=200, pattern=NO_NUL)]


class NewFollow(BaseModel):
    """What to follow: kind, and the reference as its page names it."""

    model_config = ConfigDict(extra="forbid")

    kind: CargoKind
    reference: Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE, pattern=NO_NUL)]


class Followed(Shown):
    """A follow; `path` is the page of what is followed."""

    id: str
    kind: CargoKind
    reference: str
    path: str


def room(node: Node) -> Room:
    """Return the endpoints."""
    made = Room("cargo", node)
    _views(made, node)
    _explanations(made, node)
    _actions(made, node)
    return made


def _views(made: Room, node: Node) -> None:
    @made.view("/cargo", "cargo/search.html.j2")
    def look_for(viewer: Viewed, q: Text = "") -> SearchPage:
        """Look for a container, a bill of lading, a booking, or a vessel and voyage; and what one follows."""
        with reading(node, viewer) as connection:
            hits, more = search(connection, q)
            followed = follows.follows_shown(connection, viewer)
        return SearchPage(
            q=q,
            hits=hits,
            wrong="" if hits else wrong_number(q),
            more=more,
            follows=followed,
            may_follow=viewer.user_id is not None,
        )

    @made.view("/cargo/{kind}/{reference:path}", "cargo/journey.html.j2")
    def journey(viewer: Viewed, kind: CargoKind, reference: Reference) -> JourneyPage:
        """The journey of one reference across the ports, as every source held here tells it."""
        return journey_page(node, viewer, kind, reference)

    @made.view("/explain/milestone", "cargo/milestone.html.j2")
    def milestone(viewer: Viewed, source: Text, dataset: Text, record: Text) -> MilestonePage:
        """Where one record comes from: message, clause, place in the log."""
        return milestone_page(node, viewer, source, dataset, record)


def _explanations(made: Room, node: Node) -> None:
    @made.view("/explain/cargo/{what}/{kind}/{reference:path}", DERIVATION)
    def explain(
        viewer: Viewed,
        what: Annotated[str, Path(max_length=40, pattern=NO_NUL)],
        kind: CargoKind,
        reference: Reference,
        dataset: Annotated[str | None, Query(max_length=60, pattern=NO_NUL)] = None,
        source: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
        conflict: Annotated[int, Query(ge=0)] = 0,
    ) -> Derivation:
        """What a figure of the cargo pages counts, or how sources differ."""
        with reading(node, viewer) as connection:
            if what == "records":
                return explain_records(connection, kind, reference, dataset)
            own = node.identity.participant
            found = explain_journey(connection, own, kind, reference, what, source, conflict)
        if found is None:
            raise RequestRefusedError(
                404,
                "unknown-figure",
                Phrase("There is no figure %(what)s of this cargo.", what=repr(what[:40])),
                Phrase("Open it from its page."),
            )
        return found

    @made.stream("/cargo-export/{kind}/{reference:path}", "text/csv")
    def export(viewer: Viewed, kind: CargoKind, reference: Reference) -> Response:
        """The journey as CSV."""
        page = journey_page(node, viewer, kind, reference)
        safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in page.reference)
        name = f"cargo-{kind.value}-{safe}{'-SIMULATED' if page.simulated else ''}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return Response(journey_csv(page), media_type="text/csv; charset=utf-8", headers=headers)


def _actions(made: Room, node: Node) -> None:
    @made.action("POST", "/cargo-follows", status=201)
    def follow(request: Request, viewer: Viewed, body: NewFollow) -> Followed:
        """Follow a reference; one is told of new milestones. Twice is once."""
        reference = reference_of(key_of(body.kind, body.reference))
        with writing(node, viewer) as connection:
            now = node.clock()
            found, is_new = follows.follow(connection, viewer, body.kind, reference, now)
            if is_new:
                details = {"kind": body.kind.value, "reference": reference}
                audit.note(connection, viewer, "cargo.follow", found, details, request.state.request_id, now)
        return Followed(id=found, kind=body.kind, reference=reference, path=path_of(body.kind, reference))

    @made.action("DELETE", "/cargo-follows/{follow_id}", status=204)
    def unfollow(request: Request, viewer: Viewed, follow_id: FollowId) -> None:
        """Let a reference go."""
        with writing(node, viewer) as connection:
            now = node.clock()
            kind, reference = follows.unfollow(connection, viewer, follow_id)
            details = {"kind": kind, "reference": reference}
            audit.note(connection, viewer, "cargo.unfollow", follow_id, details, request.state.request_id, now)
