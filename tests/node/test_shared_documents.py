"""Documents: taken in by version, shared under one clause or with everybody, fetched only by who may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from tests.ports import Clock, agreement, clause, connect, exchange_keys, feed, make_node, serving

from sealane.agreements.clauses import Clause
from sealane.agreements.document_model import AgreementDocument
from sealane.database import Database
from sealane.errors import DataError, InputError
from sealane.exchange.delivery import deliver_all
from sealane.exchange.document_fetch import fetch_document
from sealane.exchange.ledger import entries
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.products.documents import (
    DocumentVersion,
    add_document,
    get_document,
    list_documents,
    read_content,
    share_document,
)

METADATA = tuple(sorted(name for name in DATASETS["documents"].fields if name != "content"))
WITH_FILE = clause(id="plans", dataset="documents", fields=tuple(sorted(DATASETS["documents"].fields)))
WITHOUT_FILE = clause(id="plans", dataset="documents", fields=METADATA)


@pytest.fixture
def pair(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[tuple[Node, Node]]:
    clock = Clock()
    nodes = [make_node(tmp_path, name, databases(), clock) for name in ("provider", "recipient")]
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node)
            stack.enter_context(serving(node))
        yield nodes[0], nodes[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.pdf"
    path.write_bytes(b"%PDF-1.4 simulated plan")
    return path


def add(node: Node, path: Path, document_id: str = "berth-plan") -> DocumentVersion:
    with node.database.write() as connection:
        return add_document(
            connection,
            node.identity.participant,
            document_id,
            path,
            title="Berth plan",
            topic="port_infrastructure",
            language="en",
            now=node.clock(),
        )


def share(node: Node, document: DocumentVersion, under: tuple[str, int, str] | None) -> None:
    with node.database.write() as connection:
        share_document(connection, document, now=node.clock(), clause=under)


def agreed(pair: tuple[Node, Node], what: Clause) -> AgreementDocument:
    connect(*pair, [what])
    exchange_keys(*pair)
    return agreement(*pair, [what])


def test_the_same_bytes_make_no_new_version(pair: tuple[Node, Node], file: Path) -> None:
    provider, _ = pair
    assert add(provider, file).version == 1
    assert add(provider, file).version == 1
    file.write_bytes(b"%PDF-1.4 second")
    assert add(provider, file).version == 2
    with provider.database.read() as connection:
        held = list_documents(connection)
        assert [item.version for item in held] == [2, 1]
        assert read_content(connection, held[0].source, "berth-plan", 2) == b"%PDF-1.4 second"
        with pytest.raises(InputError, match="version 3"):
            get_document(connection, held[0].source, "berth-plan", 3)


def test_all_faults_of_a_description_at_once(pair: tuple[Node, Node], tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    with pair[0].database.write() as connection, pytest.raises(DataError) as caught:
        add_document(
            connection, "urn:x", "Bad Id", empty, title=" ", topic="gossip", language="??", now=pair[0].clock()
        )
    assert {fault.where for fault in caught.value.faults} == {"ID", "--title", "--topic", "--language", str(empty)}


def test_a_shared_document_is_told_of_and_its_file_fetched_once(pair: tuple[Node, Node], file: Path) -> None:
    provider, recipient = pair
    document = agreed(pair, WITH_FILE)
    share(provider, add(provider, file), (document.id, 1, "plans"))
    deliver_all(provider)
    fetch_document(recipient, provider.identity.participant, "berth-plan")
    fetch_document(recipient, provider.identity.participant, "berth-plan")
    with recipient.database.read() as connection:
        (held,) = list_documents(connection)
        assert read_content(connection, held.source, "berth-plan", 1) == file.read_bytes()
        assert held.source == provider.identity.participant
    with provider.database.read() as connection:
        (logged,) = entries(connection, kinds=["document_fetched"])
    said = json.loads(logged.entry)
    assert (said["peer"], said["subject"]) == (recipient.identity.participant, "berth-plan@1")
    assert said["body"]["digest"] == held.digest


def test_without_the_leaf_content_the_file_stays(pair: tuple[Node, Node], file: Path) -> None:
    provider, recipient = pair
    document = agreed(pair, WITHOUT_FILE)
    share(provider, add(provider, file), (document.id, 1, "plans"))
    deliver_all(provider)
    with pytest.raises(InputError, match="HTTP 404"):
        fetch_document(recipient, provider.identity.participant, "berth-plan")
    with provider.database.read() as connection:
        assert entries(connection, kinds=["document_fetched"]) == []


def test_a_document_shared_under_another_clause_is_not_told_of(pair: tuple[Node, Node], file: Path) -> None:
    provider, recipient = pair
    agreed(pair, WITH_FILE)
    share(provider, add(provider, file), ("another-agreement", 1, "plans"))
    deliver_all(provider)
    with pytest.raises(InputError, match="has told of no document"):
        fetch_document(recipient, provider.identity.participant, "berth-plan")
    url = f"{provider.identity.origin}/sealane/v1/documents/berth-plan/1"
    answer = recipient.outbound.request("GET", url, participant=provider.identity.participant)
    assert answer.status == 404


def test_nobody_fetches_without_a_signature(pair: tuple[Node, Node], file: Path) -> None:
    provider, _ = pair
    document = agreed(pair, WITH_FILE)
    share(provider, add(provider, file), (document.id, 1, "plans"))
    assert httpx.get(f"{provider.identity.origin}/sealane/v1/documents/berth-plan/1").status_code == 401


def test_open_data_without_a_login(pair: tuple[Node, Node], file: Path, tmp_path: Path) -> None:
    provider, _ = pair
    feed(provider, range(3))
    origin = provider.identity.origin
    assert httpx.get(f"{origin}/open/catalog").json()["dcat:dataset"] == []  # nothing is public by itself
    document = add(provider, file)
    assert httpx.get(f"{origin}/open/documents/berth-plan/1").status_code == 404
    share(provider, document, None)
    feed(provider, range(10, 12), public=True)
    catalogue = httpx.get(f"{origin}/open/catalog").json()
    assert {item["dct:identifier"] for item in catalogue["dcat:dataset"]} == {"port-calls", "berth-plan/1"}
    got = httpx.get(f"{origin}/open/documents/berth-plan/1")
    assert got.content == file.read_bytes()
    assert got.headers["content-disposition"] == "attachment"
    lines = httpx.get(f"{origin}/open/datasets/port-calls/records").text.splitlines()
    assert len([json.loads(line) for line in lines]) == 2
    first = httpx.get(f"{origin}/open/datasets/port-calls/records", params={"limit": 1})
    assert first.headers["x-simulated"] == "true"
    (link,) = [first.links["next"]["url"]]
    assert len(httpx.get(link).text.splitlines()) == 1
    table = tmp_path / "calls.parquet"
    table.write_bytes(httpx.get(f"{origin}/open/datasets/port-calls/records.parquet").content)
    assert pq.read_table(table).num_rows == 2
    assert httpx.get(f"{origin}/open/datasets/nothing/records").status_code == 404


def test_every_entry_of_the_catalogue_has_what_dcat_ap_demands(pair: tuple[Node, Node], file: Path) -> None:
    provider, _ = pair
    share(provider, add(provider, file), None)
    feed(provider, range(2), public=True)
    catalogue = httpx.get(f"{provider.identity.origin}/open/catalog").json()
    for entry in (catalogue, *catalogue["dcat:dataset"]):
        assert entry["dct:title"]
        assert entry["dct:description"]
    assert catalogue["dct:publisher"]["foaf:name"]
    for dataset in catalogue["dcat:dataset"]:
        for distribution in dataset["dcat:distribution"]:
            assert httpx.get(distribution["dcat:accessURL"]["@id"]).status_code == 200
