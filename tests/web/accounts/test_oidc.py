"""Login at an OpenID provider that is a real server; every way in which it or a browser may lie is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.live_nodes import START, Clock
from tests.web.accounts.people import Place, make_person, served
from tests.web.accounts.provider import (
    CLIENT,
    SECRET,
    Provider,
    log_in_there,
    provider,
    unsigned,
    with_public_key_as_secret,
)

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables import accounts
from sealane.errors import DataError
from sealane.node.settings import make_settings
from sealane.web.accounts import oidc, users
from sealane.web.accounts.oidc import role_of

ANN = {"sub": "abc-1", "preferred_username": "Ann", "name": "Ann Lee", "email": "ann@example.org"}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Provider]]:
    folder = tmp_path_factory.mktemp("oidc")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    clocks = [Clock()]

    def now() -> dt.datetime:  # the node's clock, as soon as there is a node
        return clocks[-1]()

    with provider(now) as known:
        settings = {
            "oidc_issuer": known.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "oidc_roles": "port-it=administrator, port-staff=analyst",
        }
        with served(folder / "node", database, **settings) as place:
            clocks.append(place.clock)
            yield place, known
    database.close()


@pytest.fixture
def place(joined: tuple[Place, Provider]) -> Iterator[Place]:
    place, known = joined
    with place.node.database.write() as connection:
        for table in (accounts.oidc_login, accounts.known_browser, accounts.web_session, accounts.user_password):
            connection.execute(table.delete())
        connection.execute(accounts.user_account.delete())
    place.begin(max(place.clock(), START) + (oidc.KEEP_FOR * 2))  # what was learnt of the provider is old
    known.person = ANN | {"groups": ["port-staff"]}
    known.claims, known.discovery, known.sign, known.secret = {}, {}, None, SECRET
    known.asked.clear()
    yield place
    place.close_browsers()


@pytest.fixture
def known(joined: tuple[Place, Provider], place: Place) -> Provider:
    return joined[1]


def people(place: Place) -> list[tuple[str, str, str | None]]:
    with place.node.database.read() as connection:
        return [(user.login, user.role.value, user.oidc_subject) for user in users.list_users(connection)]


def test_a_person_comes_back_with_the_role_of_the_mapping(place: Place, known: Provider) -> None:
    http = place.browser().http
    answer, _ = log_in_there(http, "/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    found = http.get("/api/v1/account").json()
    assert (found["login"], found["name"], found["role"]) == ("ann", "Ann Lee", "analyst")
    assert found["email"] is None, "the provider did not say that it has verified the address"
    assert found["provider"] == known.issuer
    assert people(place) == [("ann", "analyst", "abc-1")]
    assert place.audit() == [("ann", "login", "ann")]
    assert known.asked == ["discovery", "keys", "token"]
    assert place.browser().log_in("ann", "").status_code == 200, "no password opens it"


def test_the_same_person_again_with_another_role(place: Place, known: Provider) -> None:
    first = place.browser().http
    log_in_there(first)
    known.person |= {"groups": ["port-it"], "name": "Ann Lee-Ito", "email_verified": True}
    second = place.browser().http
    log_in_there(second)
    assert people(place) == [("ann", "administrator", "abc-1")]
    assert first.get("/account").status_code == 303, "sessions under the old role have ended"
    assert second.get("/administration").status_code == 200
    assert known.asked == ["discovery", "keys", "token", "token"], "what it said is remembered"


def test_a_provider_gives_nobody_anothers_account(place: Place, known: Provider) -> None:
    make_person(place.node, "ann", "administrator")
    http = place.browser().http
    log_in_there(http)
    assert http.get("/api/v1/account").json()["role"] == "analyst"
    logins = {subject: login for login, _, subject in people(place)}
    assert logins[None] == "ann"
    assert logins["abc-1"].startswith("ann-")


@pytest.mark.parametrize("groups", [[], ["other"], None, "port-staff2", [["port-staff"]], {"port-it": 1}])
def test_without_a_role_of_the_mapping_nobody_is_let_in(place: Place, known: Provider, groups: object) -> None:
    known.person["groups"] = groups
    answer, _ = log_in_there(place.browser().http)
    assert answer.status_code == 403
    assert people(place) == []


def test_a_disabled_person_stays_out(place: Place, known: Provider) -> None:
    log_in_there(place.browser().http)
    with place.node.database.write() as connection:
        user = users.list_users(connection)[0]
        users.change_user(connection, user.id, place.clock(), disabled=True)
    assert log_in_there(place.browser().http)[0].status_code == 403


def test_an_answer_is_good_once_in_one_browser_for_ten_minutes(place: Place, known: Provider) -> None:
    http = place.browser().http
    _, back = log_in_there(http)
    again = urlsplit(back)
    assert http.get(f"{again.path}?{again.query}").status_code == 400
    # Another browser gets the address, as in login CSRF: the victim would act in the attacker's account.
    begun = http.get("/login/provider")
    with httpx.Client(trust_env=False) as elsewhere:
        parts = urlsplit(elsewhere.get(begun.headers["location"]).headers["location"])
    victim = place.browser().http
    assert victim.get(f"{parts.path}?{parts.query}").status_code == 400
    assert http.get(f"{parts.path}?{parts.query}").status_code == 400, "it is used up, even so"
    late = place.browser().http
    begun = late.get("/login/provider")
    with httpx.Client(trust_env=False) as elsewhere:
        parts = urlsplit(elsewhere.get(begun.headers["location"]).headers["location"])
    place.clock.advance(601)
    assert late.get(f"{parts.path}?{parts.query}").status_code == 400
    for made_up in ("", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"):
        assert late.get(f"/login/provider/return{made_up}").status_code == 400


LIES = {
    "another issuer": {"iss": "http://127.0.0.1/other"},
    "another audience": {"aud": "another client"},
    "many audiences, not authorised": {"aud": [CLIENT, "another"]},
    "another authorised party": {"azp": "another"},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(START.timestamp())},
    "never expires": {"exp": None},
    "expires with words": {"exp": "tomorrow"},
    "from the future": {"iat": int(START.timestamp()) * 2},
    "no time": {"iat": None},
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.replace(" ", "-"))
def test_an_id_token_that_lies_is_refused(place: Place, known: Provider, lie: str) -> None:
    known.claims = LIES[lie]
    answer, _ = log_in_there(place.browser().http)
    assert answer.status_code == 502, answer.text
    assert people(place) == []


def test_an_id_token_that_is_not_the_providers_is_refused(place: Place, known: Provider) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": known.key.kid})
    forged = {
        "unsigned": unsigned,
        "signed by a stranger": lambda claims: jwt.encode({"alg": "ES256", "kid": stranger.kid}, claims, stranger),
        "public key as secret": with_public_key_as_secret(known),
        "garbage": lambda _: "a.b.c",
        "signature cut": lambda claims: jwt.encode({"alg": "ES256"}, claims, known.key)[:-4],
    }
    for name, sign in forged.items():
        known.sign = sign
        answer, _ = log_in_there(place.browser().http)
        assert answer.status_code == 502, name
    assert people(place) == []
    known.sign = None
    assert log_in_there(place.browser().http)[0].status_code == 303, "the control: the true one is let in"


def test_a_provider_that_changed_its_key_is_asked_again(place: Place, known: Provider) -> None:
    log_in_there(place.browser().http)
    known.new_key()
    place.clock.advance(31)
    assert log_in_there(place.browser().http)[0].status_code == 303
    # But not at the will of whoever sends it wrong tokens.
    known.new_key()
    known.asked.clear()
    for _ in range(3):
        assert log_in_there(place.browser().http)[0].status_code == 502
    assert known.asked == ["token"] * 3


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_requests_and_people_are_sent_to_the_issuers_origin_only(place: Place, known: Provider, endpoint: str) -> None:
    for elsewhere in ("http://127.0.0.1:9/x", "http://localhost/x", "file:///etc/passwd", "//evil", 7, None, ""):
        known.discovery = {endpoint: elsewhere}
        place.clock.advance(1200)
        assert place.browser().http.get("/login/provider").status_code == 502, elsewhere


def test_a_provider_that_calls_itself_otherwise_or_is_down_is_refused_in_words(place: Place, known: Provider) -> None:
    known.discovery = {"issuer": known.issuer + "/"}
    page = place.browser().http.get("/login/provider")
    assert page.status_code == 502
    assert "calls itself" in page.text
    known.discovery, known.secret = {}, "another"
    assert "it answered 401" in log_in_there(place.browser().http)[0].text
    assert SECRET not in page.text


def test_the_issuer_in_the_answer_is_checked_where_the_provider_gives_it(place: Place, known: Provider) -> None:
    known.discovery = {"authorization_response_iss_parameter_supported": True}
    place.clock.advance(1200)
    http = place.browser().http
    assert log_in_there(http)[0].status_code == 303
    begun = http.get("/login/provider")
    state = begun.headers["location"].partition("state=")[2].partition("&")[0]
    assert http.get(f"/login/provider/return?code=x&state={state}").status_code == 400


def test_the_first_of_the_mapping_counts() -> None:
    roles = {"a": "administrator", "b": "analyst"}
    assert role_of({"groups": ["b", "a"]}, "groups", roles) == "administrator"
    assert role_of({"groups": "b"}, "groups", roles) == "analyst"
    assert role_of({"groups": ["c"]}, "groups", roles) is None
    assert role_of({}, "groups", roles) is None


def test_settings_that_would_let_nobody_or_the_wrong_ones_in_are_refused(tmp_path: Path) -> None:
    base = {"participant": "urn:x:y", "name": "X", "origin": "https://x.example"}
    for given, words in (
        ({"oidc_issuer": "https://i.example"}, "stands without oidc_client_id"),
        ({"oidc_issuer": "http://i.example", "oidc_client_id": "x", "oidc_roles": "a=analyst"}, "is plain http"),
        ({"oidc_issuer": "ftp://i.example"}, "is no address of an OpenID provider"),
        ({"oidc_roles": "a=root"}, "'a=root', which is not VALUE=ROLE"),
        ({"oidc_roles": "a=guest"}, "which is not VALUE=ROLE"),
        ({"trusted_proxies": "10.0.0.5/8"}, "which is no network"),
    ):
        with pytest.raises(DataError, match=words):
            make_settings(base | given, {}, "node.toml")
    secret = make_settings(base | {"oidc_client_secret": "hidden"}, {}, "node.toml")
    assert "hidden" not in repr(secret)


def test_one_address_begins_so_many_logins_and_no_more(place: Place, known: Provider) -> None:
    http = place.browser(address="127.0.0.77").http
    found = [http.get("/login/provider").status_code for _ in range(62)]
    assert found == [303] * 60 + [429] * 2
    place.clock.advance(61)
    assert http.get("/login/provider").status_code == 303


def test_logins_that_were_never_finished_are_removed(place: Place, known: Provider) -> None:
    from sealane.web.accounts.cleaning import clean

    place.browser().http.get("/login/provider")
    count = sa.select(sa.func.count()).select_from(accounts.oidc_login)
    clean(place.node)
    with place.node.database.read() as connection:
        assert connection.execute(count).scalar() == 1
    place.clock.advance(601)
    clean(place.node)
    with place.node.database.read() as connection:
        assert connection.execute(count).scalar() == 0
