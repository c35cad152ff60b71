"""Writing an agreement: a template is filled in question by question, checked, and becomes the text of a document.

The answers stand in the page's address; nothing is kept until the text is sent as a draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sealane.agreements import load_agreements
from sealane.agreements.documents import document_bytes, document_digest, read_document
from sealane.agreements.templates import Template, list_templates, template_named
from sealane.errors import DataError, Fault, InputError, Phrase, RequestRefusedError
from sealane.exchange.peers import list_peers
from sealane.exchange.registry import known_datasets
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements.blanks import Blank, content_of, fill, questions_of, value_at
from sealane.web.agreements.models import Shown

BLANK_FOUND = "a blank of the template"  # as the documents' reader says it
_MAX_ANSWER = 4_000
_QUESTION = re.compile(r"q\d{1,3}")


class FaultShown(Shown):
    """One thing that is wrong, and where; `blank` marks what is only not filled in yet."""

    where: str
    found: str
    remedy: str
    blank: bool = False


class TemplateShown(Shown):
    """A template to choose."""

    name: str
    about: str


class Question(Shown):
    """One blank of a template.

    Attributes
    ----------
    id : name of the answer in the address.
    place : the first place it fills, as the document names it.
    places : how many it fills.
    hint : what the template asks for, in English.
    section : part of the document it belongs to; `part` names the clause or commitment, where it stands in one.
    kind : text, list (commas), number, party, or rows (a filter).
    optional : a single ``-`` takes it out of the document.
    answer : as given, or prefilled from what this node knows.
    """

    id: str
    place: str
    places: int
    section: str
    part: str
    hint: str
    kind: str
    optional: bool
    answer: str
    faults: list[FaultShown]


class PartyChoice(Shown):
    """A party of the catalogue that a template can name."""

    id: str
    name: str


class PartnerKnown(Shown):
    """A registered partner: id, name."""

    participant: str
    name: str


class ProposalPage(Shown):
    """A template, its questions with the answers so far, and the document they make.

    Attributes
    ----------
    text : the document as it stands, to be kept as a draft; or pasted and corrected by hand.
    faults : of the document, those that belong to no question; empty before anything was answered.
    digest : SHA-256 of what would be signed, once there is no fault.
    """

    templates: list[TemplateShown]
    template: str | None
    about: str
    partner: str | None
    partners: list[PartnerKnown]
    parties: list[PartyChoice]
    questions: list[Question]
    checked: bool
    text: str
    faults: list[FaultShown]
    digest: str | None


def proposal_page(
    node: Node, viewer: Viewer, template: str | None, partner: str | None, answers: Mapping[str, str]
) -> ProposalPage:
    """Return a template with its questions; with answers, the document they make and what is wrong with it.

    Parameters
    ----------
    partner : participant id of a registered partner, whose id, address and key are then filled in.
    answers : question id to text.

    Raises
    ------
    RequestRefusedError
        404 if there is no such template; 422 if an answer is too long.
    """
    chosen = _template(template) if template else None
    with reading(node, viewer) as connection:
        partners = {p.participant: (p.name, p.origin, str(p.root_key["x"])) for p in list_peers(connection)}
        own_party = _own_party(connection, node)
    blanks = questions_of(chosen) if chosen else []
    given = {key: value.strip() for key, value in answers.items() if _QUESTION.fullmatch(key) and value.strip()}
    if any(len(value) > _MAX_ANSWER for value in given.values()):
        raise RequestRefusedError(
            422,
            "answer-too-long",
            Phrase("An answer is longer than %(max_answer)s characters.", max_answer=f"{_MAX_ANSWER:,}"),
            Phrase("Write the document by hand."),
        )
    known = partners.get(partner or "")
    filled = _prefilled(blanks, node, own_party, partner, known) | given
    text = fill(chosen, blanks, filled) if chosen else ""
    faults, digest = check_text(text, f"{chosen.name}.json") if chosen and given else ([], None)
    return ProposalPage(
        templates=[TemplateShown(name=t.name, about=t.about) for t in list_templates()],
        template=chosen.name if chosen else None,
        about=chosen.about if chosen else "",
        partner=partner if known else None,
        partners=[PartnerKnown(participant=p, name=name) for p, (name, _, _) in partners.items()],
        parties=[PartyChoice(id=p.id, name=p.name) for p in load_agreements().parties.values()],
        questions=_shown(content_of(chosen), blanks, filled, faults) if chosen else [],
        checked=bool(given),
        text=text if given else chosen.text if chosen else "",
        faults=[f for f in faults if not any(_belongs(f, blank) for places in blanks for blank in places)],
        digest=digest,
    )


def check_text(text: str, name: str) -> tuple[list[FaultShown], str | None]:
    """Return every fault of a document, and the digest of what would be signed where there is none."""
    try:
        document = read_document(text.encode(), name, known_datasets())
    except DataError as error:
        return [
            FaultShown(where=f.where, found=f.found, remedy=f.remedy, blank=f.found == BLANK_FOUND)
            for f in error.faults
        ], None
    return [], document_digest(document_bytes(document))


def _fault(fault: Fault) -> FaultShown:
    is_blank = fault.found == BLANK_FOUND
    return FaultShown(where=fault.where, found=fault.found, remedy=fault.remedy, blank=is_blank)


def _template(name: str) -> Template:
    try:
        return template_named(name)
    except InputError as error:
        raise RequestRefusedError(404, "unknown-template", str(error), Phrase("Choose one of the list.")) from None


def _own_party(connection: sa.Connection, node: Node) -> str | None:
    """Return this port's party id in the catalogue, by its UN/LOCODE."""
    code = node.settings.unlocode
    its = [p.id for p in load_agreements().parties.values() if any(port.locode == code for port in p.ports)]
    return its[0] if len(its) == 1 else None


def _prefilled(
    blanks: Sequence[Sequence[Blank]],
    node: Node,
    own_party: str | None,
    partner: str | None,
    known: tuple[str, str, str] | None,
) -> dict[str, str]:
    """Fill in what is registered here: this port first, its partner second."""
    own = {
        "participant": node.identity.participant,
        "origin": node.identity.origin,
        "x": str(node.identity.root_jwk["x"]),
    }
    other = {"participant": partner, "origin": known[1], "x": known[2]} if partner and known else {}
    found: dict[str, str] = {}
    for number, places in enumerate(blanks):
        first = places[0]
        if first.kind == "party" and "first" in first.hint and own_party:
            found[f"q{number}"] = own_party
        if first.path[0] == "participants" and first.kind == "text" and len(first.path) > 1:
            source = {0: own, 1: other}.get(int(first.path[1]), {})
            value = source.get(str(first.path[-1]))
            if value:
                found[f"q{number}"] = value
    return found


def _shown(
    content: Mapping[str, Any],
    blanks: Sequence[Sequence[Blank]],
    answers: Mapping[str, str],
    faults: Sequence[FaultShown],
) -> list[Question]:
    return [
        Question(
            id=f"q{number}",
            place=places[0].place,
            places=len(places),
            section=str(places[0].path[0]) if len(places[0].path) > 1 else "agreement",
            part=_part(content, places[0].path),
            hint=places[0].hint,
            kind=places[0].kind,
            optional=bool(places[0].goes_with),
            answer=answers.get(f"q{number}", ""),
            faults=_at(places, faults),
        )
        for number, places in enumerate(blanks)
    ]


def _part(content: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
    """Return the id of the clause, commitment or activity a place stands in."""
    entry = value_at(content, path[:2]) if len(path) > 2 else None
    return str(entry.get("id", "")) if isinstance(entry, dict) else ""


def _at(places: Sequence[Blank], faults: Sequence[FaultShown]) -> list[FaultShown]:
    """Return the faults at a question's places, each said once."""
    found: dict[tuple[str, str], FaultShown] = {}
    for fault in faults:
        if any(_belongs(fault, blank) for blank in places):
            found.setdefault((fault.found, fault.remedy), fault)
    return list(found.values())


def _belongs(fault: FaultShown, blank: Blank) -> bool:
    """Say whether a fault stands at a blank's place, or at an element of its list."""
    where = fault.where.partition(": ")[2] or fault.where
    place = re.sub(r"\[\d+\]$", "", blank.place) if blank.kind == "list" else blank.place
    return where == place or where.startswith((f"{place}[", f"{place}."))
