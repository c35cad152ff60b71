"""Reads the clauses and prohibitions of an agreement document and checks them against each other."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sealane.agreements.clauses import Clause, Granularity, Grouping, Onward, Period, Prohibition, RowFilter
from sealane.agreements.document_model import KnownDatasets
from sealane.agreements.documents_reader import read_yaml
from sealane.agreements.fields import covers_name, name_faults
from sealane.agreements.values import Reader, imo_fault, locode_fault, terminal_fault
from sealane.errors import DataError, Fault

LEAST_GROUP = 3
ALL_ROWS = "all"
_SHIPPED = Path(__file__).with_name("purposes.yaml")


@functools.cache
def load_purposes() -> Mapping[str, str]:
    """Return the closed vocabulary of purposes: id and what it means."""
    faults: list[Fault] = []
    found = {key: str(value) for key, value in read_yaml(_SHIPPED, faults).items()}
    if faults or not found:
        raise DataError("The shipped purposes cannot be used.", faults)
    return MappingProxyType(found)


@dataclass(frozen=True)
class Setting:
    """What the rest of the document says that its terms must fit.

    Attributes
    ----------
    executing : ids of the parties that have a node; only they can provide or receive.
    known : datasets with their fields; None when a document that was checked before is read back.
    """

    executing: tuple[str, ...]
    parties: tuple[str, ...]
    valid_from: dt.datetime | None
    valid_until: dt.datetime | None
    demonstration: bool
    known: KnownDatasets | None

    def dataset_fault(self, dataset: str) -> str | None:
        """Say why a dataset cannot be named, or None."""
        return None if self.known is None else _unknown(dataset, self.known, "dataset")

    def purpose_fault(self, purpose: str) -> str | None:
        """Say why a purpose cannot be named, or None."""
        return None if self.known is None else _unknown(purpose, load_purposes(), "purpose")

    def party_fault(self, party: str) -> str | None:
        """Say why a party cannot provide or receive, or None."""
        if party in self.executing or (party in self.parties and not self.executing):
            return None  # that no party has a node is told once
        if party in self.parties:
            return f"{party} has no entry under participants; add its node or take it out"
        return _unknown(party, self.parties, "party under participants") or "Name a party"

    def field_fault(self, name: str, datasets: Iterable[str] | None) -> str | None:
        """Say why a field cannot be named in one of the datasets, or None; None stands for any dataset."""
        wrong = name_faults([name], "")
        if wrong:
            return wrong[0].remedy
        if self.known is None:
            return None
        chosen = list(self.known) if datasets is None else [d for d in datasets if d in self.known]
        if not chosen or any(self.known[dataset].knows(name) for dataset in chosen):
            return None
        leaves = sorted({leaf for dataset in chosen for leaf in self.known[dataset].fields})
        return _unknown(name, leaves, f"field of {chosen[0]}" if len(chosen) == 1 else "field of any dataset")


def read_clause(reader: Reader, setting: Setting) -> Clause | None:
    """Read one clause, or return None after adding its faults."""
    before = len(reader.faults)
    clause_id = reader.identifier()
    provider = reader.take("provider", str, "Give the party id of who lets the data go")
    if provider is not None and (wrong := setting.party_fault(provider)):
        reader.fault("provider", f"{provider!r}", wrong)
    recipients = reader.members("recipients", "List the party ids of those who get the data", setting.party_fault)
    if provider in recipients:
        reader.fault("recipients", f"{provider!r} is also the provider", "Name others than the provider")
    dataset = reader.take("dataset", str, "Give the id of a data product")
    if dataset is not None and (wrong := setting.dataset_fault(dataset)):
        reader.fault("dataset", f"{dataset!r}", wrong)
    of_dataset = [dataset] if dataset else []
    check = _checker(setting, of_dataset)
    fields = reader.members("fields", "List the fields that are let through", check)
    purposes = reader.members("purposes", "List the purposes agreed", setting.purpose_fault)
    granularity = reader.choice("granularity", Granularity)
    rows = _read_rows(reader)
    delay = reader.duration("delay")
    grouping = _read_grouping(reader, granularity, fields, check)
    valid_from, valid_until = _read_validity(reader, setting)
    onward = reader.choice("onward", Onward)
    delete_after = reader.duration("delete_after", optional=True)
    if delete_after == dt.timedelta(0):
        reader.fault("delete_after", "no time at all", "Give a duration, or leave the key out where there is no duty")
    demonstration = reader.take("demonstration", bool, "true or false", setting.demonstration)
    if demonstration is not None and demonstration != setting.demonstration:
        reader.fault(
            "demonstration",
            f"{demonstration}, while the document says {setting.demonstration}",
            "Say the same in both, so that nobody takes made-up terms for agreed ones",
        )
    note = reader.text("note", "Give a text", optional=True)
    reader.close()
    if granularity == Granularity.RECORD and setting.known is not None and dataset in setting.known:
        missing = [leaf for leaf in setting.known[dataset].required if not covers_name(fields, leaf)]
        for leaf in missing if fields else ():
            reader.fault(
                "fields", f"{leaf} is missing", f"Add it: without it a record of {dataset} breaks its standard"
            )
    if len(reader.faults) > before or valid_from is None or delay is None:
        return None  # the agreement's own valid_from may be at fault, which is told there
    return Clause(
        id=str(clause_id),
        provider=str(provider),
        recipients=recipients,
        dataset=str(dataset),
        fields=without_covered(fields),
        purposes=frozenset(purposes),
        granularity=Granularity(str(granularity)),
        rows=rows,
        delay=delay,
        valid_from=valid_from,
        valid_until=valid_until,
        grouping=grouping,
        onward=Onward(str(onward)),
        delete_after=delete_after,
        demonstration=bool(demonstration),
        note=note,
    )


def read_prohibition(reader: Reader, setting: Setting) -> Prohibition | None:
    """Read one prohibition, or return None after adding its faults.

    An unknown name is a fault here too: a prohibition with a slip of the pen would forbid nothing.
    """
    before = len(reader.faults)
    prohibition_id = reader.identifier()
    datasets = reader.members("datasets", "List data products", setting.dataset_fault, optional=True)
    fields = reader.members("fields", "List fields", _checker(setting, None), optional=True)
    purposes = reader.members("purposes", "List purposes", setting.purpose_fault, optional=True)
    source = reader.text("source", "Say which law or sentence forbids it")
    note = reader.text("note", "Give a text", optional=True)
    reader.close()
    if len(reader.faults) > before:
        return None
    if not (datasets or fields or purposes):
        reader.fault("", "prohibits nothing", "Name datasets, fields or purposes")
        return None
    return Prohibition(
        str(prohibition_id), frozenset(datasets), without_covered(fields), frozenset(purposes), str(source), note
    )


def check_contradictions(
    clauses: Iterable[tuple[str, Clause]], prohibitions: Iterable[Prohibition], known: KnownDatasets | None
) -> list[Fault]:
    """Return a fault for everything a clause agrees and a prohibition forbids; clauses come with their paths."""
    faults = []
    forbidden = list(prohibitions)
    for where, clause in clauses:
        for prohibition in forbidden:
            by = f"prohibited by {prohibition.id}"
            if clause.dataset in prohibition.datasets:
                faults.append(Fault(f"{where}.dataset", f"{clause.dataset} is {by}", "Take the clause out"))
            faults.extend(
                Fault(f"{where}.purposes", f"{purpose} is {by}", "Take the purpose out")
                for purpose in sorted(clause.purposes & prohibition.purposes)
            )
            faults.extend(
                Fault(f"{where}.fields", f"{name} is {by}", "Take the field out")
                for name in clause.fields
                if _forbids(prohibition.fields, name)
            )
            required = known[clause.dataset].required if known and clause.dataset in known else ()
            if clause.granularity is Granularity.RECORD:
                faults.extend(
                    Fault(f"{where}.dataset", f"{leaf} is {by}", f"Its standard needs it: {clause.dataset} cannot flow")
                    for leaf in required
                    if _forbids(prohibition.fields, leaf) and leaf not in clause.fields
                )
    return faults


def without_covered(names: Collection[str]) -> tuple[str, ...]:
    """Return names sorted, without those that another name already covers."""
    return tuple(
        sorted(name for name in names if not any(covers_name((other,), name) for other in names if other != name))
    )


def _forbids(prohibited: Iterable[str], name: str) -> bool:
    # A prohibition holds whether lists are used or not (rule 2 of sealane.agreements.fields).
    return covers_name([p.replace("[]", "") for p in prohibited], name.replace("[]", ""))


def _checker(setting: Setting, datasets: list[str] | None) -> Callable[[str], str | None]:
    return lambda name: setting.field_fault(name, datasets)


def _unknown(name: str, known: Collection[str], what: str) -> str | None:
    if name in known:
        return None
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    choice = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(sorted(known)[:40]) or 'none'}"
    return f"Not a known {what}; {choice}"


def _read_rows(reader: Reader) -> RowFilter:
    remedy = f"Write `rows: {ALL_ROWS}` for every record, or ports, terminals, vessels, occurred_from, occurred_until"
    content = reader.take("rows", (str, dict), remedy)
    if content is None:
        return RowFilter()
    if isinstance(content, str):
        if content != ALL_ROWS:
            reader.fault("rows", f"{content!r}", remedy)
        return RowFilter()
    if not content:
        reader.fault("rows", "an empty filter", remedy)
    rows = reader.child("rows", content)
    ports = rows.members("ports", "List UN/LOCODEs", locode_fault, optional=True)
    terminals = rows.members("terminals", "List terminal codes", terminal_fault, optional=True)
    vessels = rows.members("vessels", "List IMO numbers in quotes", imo_fault, optional=True)
    start = rows.time("occurred_from", optional=True)
    end = rows.time("occurred_until", optional=True)
    if start is not None and end is not None and start >= end:
        rows.fault("occurred_until", f"{end.isoformat()} is not after {start.isoformat()}", "Give a later end")
    rows.close()
    return RowFilter(frozenset(ports), frozenset(terminals), frozenset(vessels), start, end)


def _read_validity(reader: Reader, setting: Setting) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the clause's interval; what it leaves out is the agreement's."""
    start = reader.time("valid_from", optional=True) or setting.valid_from
    end_left_out = reader.content.get("valid_until") is None
    end = reader.time("valid_until", optional=True)
    if end is None and end_left_out:
        end = setting.valid_until
    outside = "Keep the clause inside the agreement's validity"
    if start is not None and setting.valid_from is not None and start < setting.valid_from:
        reader.fault("valid_from", f"{start.isoformat()} is before the agreement's", outside)
    if end is not None and setting.valid_until is not None and end > setting.valid_until:
        reader.fault("valid_until", f"{end.isoformat()} is after the agreement's", outside)
    if start is not None and end is not None and start >= end:
        reader.fault("valid_until", f"{end.isoformat()} is not after {start.isoformat()}", "Give a later end")
    return start, end


def _read_grouping(
    reader: Reader, granularity: str | None, fields: tuple[str, ...], check: Callable[[str], str | None]
) -> Grouping | None:
    content = reader.take("grouping", (dict, type(None)), "Give by, measures, period, contributor, minimum_group", None)
    if granularity != Granularity.AGGREGATE:
        if content is not None:
            reader.fault("grouping", "stands in a clause on single records", "Leave it out, or agree on aggregate")
        return None
    if content is None:
        reader.fault("grouping", "is missing", "Give by, measures, period, contributor, minimum_group")
        return None
    group = reader.child("grouping", content)
    by = group.members("by", "List the fields whose values name a cell", check)
    measures = group.members("measures", "List the fields that are summed", check, optional=True)
    period = group.choice("period", Period)
    contributor = group.take("contributor", str, "Name the field whose values are the contributors")
    if contributor is not None and (wrong := check(contributor)):
        group.fault("contributor", f"{contributor!r}", wrong)
    least = group.whole("minimum_group", LEAST_GROUP, f"Give a whole number, {LEAST_GROUP} or more")
    group.close()
    for key, names in (("by", by), ("measures", measures)):
        for name in names:
            if fields and not covers_name(fields, name):
                group.fault(key, f"{name} is not among the clause's fields", "Add it there or take it out here")
    if period is None or least is None or contributor is None:
        return None
    return Grouping(by, measures, Period(period), contributor, least)
