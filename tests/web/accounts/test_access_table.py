"""The declared table of access: complete, without rows for nothing, and readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from tests.live_nodes import Clock, make_node

from sealane.database import Database
from sealane.errors import DataError
from sealane.web.accounts.endpoints import endpoints_of
from sealane.web.accounts.roles import COLUMNS, TABLE, access_markdown, access_table, read_access
from sealane.web.app import create_web_app


@pytest.fixture
def app(tmp_path: Path, database: Database) -> FastAPI:
    node = make_node(tmp_path / "node", database, "urn:test:here", "http://127.0.0.1:1", Clock())
    node.outbound.close()
    settings = node.settings.model_copy(update={"test_profile": True})
    from dataclasses import replace

    return create_web_app(replace(node, settings=settings))


def lacking(app: FastAPI) -> set[tuple[str, str]]:
    return set(endpoints_of(app)) - set(access_table())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_endpoint_stands_in_the_table_and_every_row_is_an_endpoint(app: FastAPI) -> None:
    assert lacking(app) == set(), "add rows to src/sealane/web/access.csv"
    assert set(access_table()) - set(endpoints_of(app)) == set(), "take rows out of src/sealane/web/access.csv"
    assert len(access_table()) > 80


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_endpoint_that_somebody_forgets_is_found(app: FastAPI) -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    inner.add_api_route("/{thing}", lambda: None, methods=["PUT"])
    outer.include_router(inner, prefix="/between")
    app.include_router(outer)
    app.mount("/files", FastAPI(docs_url=None, redoc_url=None, openapi_url=None))
    assert lacking(app) == {("PUT", "/outer/between/inner/{thing}"), ("GET", "/files")}


def test_people_and_tokens_are_the_administrators_alone() -> None:
    alone = [access for (_, path), access in access_table().items() if "/administration" in path]
    assert len(alone) > 10
    assert all(access.allowed == {"administrator"} and not access.if_guests for access in alone)


def test_guests_are_let_in_only_by_the_setting_but_for_what_comes_before_a_login() -> None:
    always = {path for (_, path), access in access_table().items() if "guest" in access.allowed}
    before = ("/login", "/logout", "/static/", "/preferences", "/health", "/ready", "/openapi.json", "/.well-known/")
    assert all(path.startswith((*before, "/open/", "/test/")) for path in always)


def test_what_changes_something_is_open_to_no_guest() -> None:
    changing = {path for (method, path), a in access_table().items() if method != "GET" and "guest" in a.allowed}
    assert changing == {"/login", "/logout", "/test/dsp/negotiations", "/test/dsp/transfers"}
    assert not any(a.if_guests for (method, _), a in access_table().items() if method != "GET")


def test_a_table_with_faults_names_every_one(tmp_path: Path) -> None:
    head, first = TABLE.read_text(encoding="utf-8").splitlines()[:2]
    cells = first.split(",")
    path = tmp_path / "access.csv"
    odd = ["FETCH", "nowhere", "perhaps", *cells[3:-1], ""]
    path.write_text("\n".join([head, first, first, ",".join(odd)]), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_access(path)
    found = [str(fault) for fault in caught.value.faults]
    assert [text.partition(":")[0] for text in found] == [
        "access.csv row 3",
        "access.csv row 4",
        "access.csv row 4, guest",
        "access.csv row 4, why",
    ]
    path.write_text("method,path\nGET,/\n", encoding="utf-8")
    with pytest.raises(DataError, match="has other columns"):
        read_access(path)


def test_the_reference_page_shows_every_row() -> None:
    page = access_markdown()
    for method, path in access_table():
        assert f"`{method} {path}`" in page
    assert page.count("| public |") == sum(a.if_guests for a in access_table().values())
    assert len(COLUMNS) == 10
