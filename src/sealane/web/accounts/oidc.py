"""Login at an OpenID provider: authorization code with PKCE, bound to one browser by state, nonce and a cookie.

OpenID Connect Core 1.0 section 3.1, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700 (best current practice).
Requests go to the issuer's own origin only, through the node's one way out: no redirects, bounded in size and time.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sealane.database.tables.accounts import oidc_login
from sealane.errors import DataError, InputError, Phrase, RequestRefusedError, UnreachableError
from sealane.exchange.addresses import origin_of
from sealane.exchange.strict_json import parse_object
from sealane.node.context import Node
from sealane.web.accounts import users
from sealane.web.accounts.roles import Role

CALLBACK = "/login/provider/return"
LOGIN_FOR = dt.timedelta(minutes=10)
KEEP_FOR = dt.timedelta(minutes=10)  # what the provider says of itself
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")  # asymmetric ones only; never what the token asks for
SKEW_S = 120
TIMEOUT_S = 10.0
MAX_BYTES = 262_144
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Provider:
    """What an OpenID provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    posts_secret: bool  # it takes the secret in the body and not in the Authorization field
    names_itself: bool  # its answers carry iss (RFC 9207)
    keys: KeySet
    read_at: dt.datetime


@dataclass(frozen=True)
class Begun:
    """A login that has begun: where the browser goes, and the cookie that binds it to this browser."""

    url: str
    cookie: str


class Providers:
    """Remembers what a node's provider said, for some minutes; one per application."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._known: Provider | None = None

    def get(self, *, again: bool = False) -> Provider:
        """Return the provider; `again` asks it anew, at most once in half a minute (its keys may have changed)."""
        now = self._node.clock()
        with self._lock:
            age = None if self._known is None else now - self._known.read_at
            if self._known is None or age is None or age > (dt.timedelta(seconds=30) if again else KEEP_FOR):
                self._known = _discover(self._node, now)
            return self._known


def begin(node: Node, providers: Providers, next_path: str) -> Begun:
    """Begin a login and return where to send the browser."""
    provider = providers.get()
    state, nonce, verifier, cookie = (secrets.token_urlsafe(32) for _ in range(4))
    now = node.clock()
    with node.database.write() as connection:
        connection.execute(oidc_login.delete().where(oidc_login.c.expires_at <= now))
        connection.execute(
            oidc_login.insert().values(
                state_hash=_hash(state),
                browser_hash=_hash(cookie),
                nonce=nonce,
                verifier=verifier,
                next_path=next_path,
                expires_at=now + LOGIN_FOR,
            )
        )
    query = {
        "response_type": "code",
        "client_id": node.settings.oidc_client_id,
        "redirect_uri": node.settings.origin + CALLBACK,
        "scope": "openid profile email",
        "state": state,
        "nonce": nonce,
        "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    return Begun(f"{provider.authorization_endpoint}{mark}{urlencode(query)}", cookie)


def finish(node: Node, providers: Providers, answer: Mapping[str, str], cookie: str) -> tuple[users.User, str]:
    """Return who came back from the provider, and where the person wanted to go; makes the account at the first login.

    Parameters
    ----------
    answer : query of the request with which the browser came back.
    cookie : the one given by `begin`.

    Raises
    ------
    RequestRefusedError
        400 when it is not the login that began in this browser; 403 when the provider or the mapping of roles does not
        let the person in; 502 when the provider cannot be reached or says something that cannot be believed.
    """
    begun = _take(node, answer.get("state", ""), cookie)
    provider = providers.get()
    if (provider.names_itself or "iss" in answer) and answer.get("iss") != provider.issuer:
        raise _not_this_login()
    if "error" in answer or not answer.get("code"):
        raise _refused(403, Phrase("The provider did not let you in."), Phrase("Try again, or ask who runs it."))
    claims = _claims(node, providers, provider, answer["code"], begun)
    return _account(node, provider.issuer, claims), str(begun.next_path)


def _discover(node: Node, now: dt.datetime) -> Provider:
    issuer = node.settings.oidc_issuer
    found = _get(node, issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise _unbelievable(f"it calls itself {str(found.get('issuer'))[:200]!a}, the setting says {issuer}")
    for name in _ENDPOINTS:
        url = found.get(name)
        if not isinstance(url, str) or origin_of(url) != origin_of(issuer) or "#" in url:
            raise _unbelievable(f"its {name} does not stand at the issuer's origin")
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    try:
        keys = KeySet.import_key_set(_get(node, found["jwks_uri"]))  # type: ignore[arg-type]  # checked by the library
    except (JoseError, ValueError, TypeError, KeyError):
        raise _unbelievable("its keys cannot be read") from None
    return Provider(
        issuer=issuer,
        **{name: found[name] for name in _ENDPOINTS},
        posts_secret="client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        keys=keys,
        read_at=now,
    )


def _take(node: Node, state: str, cookie: str) -> sa.Row[Any]:
    """Return the login that began with this state in this browser, and use it up."""
    now = node.clock()
    mine = oidc_login.c.state_hash == _hash(state)
    with node.database.write() as connection:
        row = connection.execute(sa.select(oidc_login).where(mine)).one_or_none()
        # Used up by whoever takes its row away; two at once cannot both.
        taken = connection.execute(oidc_login.delete().where(mine)).rowcount == 1
    if row is None or not taken or now >= row.expires_at or not hmac.compare_digest(row.browser_hash, _hash(cookie)):
        raise _not_this_login()
    return row


def _claims(node: Node, providers: Providers, provider: Provider, code: str, begun: sa.Row[Any]) -> dict[str, Any]:
    settings = node.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.origin + CALLBACK,
        "code_verifier": begun.verifier,
    }
    fields = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    secret = settings.oidc_client_secret.get_secret_value()
    if secret and not provider.posts_secret:
        # RFC 6749 section 2.3.1: both are form-encoded before they are put together.
        pair = f"{quote(settings.oidc_client_id, safe='')}:{quote(secret, safe='')}"
        fields["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = settings.oidc_client_id
        if secret:
            form["client_secret"] = secret
    answer = _ask(node, "POST", provider.token_endpoint, urlencode(form).encode(), fields)
    text = answer.get("id_token")
    if not isinstance(text, str):
        raise _unbelievable("it gave no ID token")
    try:
        claims = _decode(text, provider.keys)
    except (JoseError, ValueError, TypeError):
        # Its keys may have been changed since they were read.
        try:
            claims = _decode(text, providers.get(again=True).keys)
        except (JoseError, ValueError, TypeError):
            raise _unbelievable("the signature of its ID token is not right") from None
    _check_claims(claims, provider.issuer, settings.oidc_client_id, begun.nonce, node.clock())
    return claims


def _decode(text: str, keys: KeySet) -> dict[str, Any]:
    return dict(jwt.decode(text, keys, algorithms=list(ALGORITHMS)).claims)


def _check_claims(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: dt.datetime) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    moment = now.timestamp()
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    wrong = (
        ("iss", claims.get("iss") != issuer),
        ("aud", client_id not in audiences),
        ("azp", (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id),
        ("exp", expires is None or moment >= expires + SKEW_S),
        ("iat", issued is None or issued > moment + SKEW_S),
        ("nonce", not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())),
        ("sub", not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255),
    )
    if faults := [name for name, is_wrong in wrong if is_wrong]:
        raise _unbelievable(f"of its ID token {', '.join(faults)} cannot be accepted")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def role_of(claims: Mapping[str, Any], claim: str, roles: Mapping[str, str]) -> Role | None:
    """Return the role that the mapping gives for a claim: the first of the mapping that the claim holds."""
    value = claims.get(claim)
    held = value if isinstance(value, list) else [value]
    return next((Role(role) for name, role in roles.items() if name in held), None)


def _account(node: Node, issuer: str, claims: Mapping[str, Any]) -> users.User:
    """Return the account of a subject, made or brought up to date; never one that is another's by name or e-mail."""
    settings, now, subject = node.settings, node.clock(), claims["sub"]
    role = role_of(claims, settings.oidc_role_claim, settings.role_by_claim)
    with node.database.write() as connection:
        user = users.find_by_subject(connection, issuer, subject)
        if user is not None and user.disabled_at is not None:
            role = None
        if role is None:
            raise _refused(
                403, Phrase("You have no role on this node."), Phrase("Ask the node's administrator for one.")
            )
        email = claims.get("email") if claims.get("email_verified") is True else None
        name = str(claims.get("name") or claims.get("preferred_username") or subject).strip()[:200]
        name = name if name.isprintable() and name else "?"
        try:
            if user is None:
                login = _free_login(connection, claims)
                return users.add_user(
                    connection, login=login, name=name, role=role, now=now, email=email, oidc=(issuer, subject)
                )
            # Also when that takes the last administrator's role: who may do what is the provider's to say.
            return users.change_user(connection, user.id, now, must_keep_administrator=False, name=name, role=role)
        except (DataError, InputError) as error:
            raise _refused(
                403,
                Phrase("No account can be made of what the provider says. %(error)s", error=error),
                Phrase("Tell them."),
            ) from None


def _free_login(connection: sa.Connection, claims: Mapping[str, Any]) -> str:
    """Return a login for a new account; nobody gets another's by calling himself so at the provider."""
    wanted = users.read_login(str(claims.get("preferred_username") or claims.get("email") or ""))
    tail = hashlib.sha256(str(claims["sub"]).encode()).hexdigest()[:8]
    if not users.is_login(wanted):
        return f"person-{tail}"
    return wanted if users.find_by_login(connection, wanted) is None else f"{wanted[:90]}-{tail}"


def _get(node: Node, url: str) -> dict[str, Any]:
    return _ask(node, "GET", url, b"", {"accept": "application/json"})


def _ask(node: Node, method: str, url: str, content: bytes, fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = node.outbound.request_elsewhere(
            method,
            url,
            content=content,
            headers=fields,
            allow_private=True,  # the operator named the provider; most stand inside the port's network
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
    except UnreachableError:
        raise _unbelievable("it cannot be reached") from None
    if answer.status != 200:
        raise _unbelievable(f"it answered {answer.status}")
    try:
        return parse_object(answer.content, MAX_BYTES)
    except RequestRefusedError:
        raise _unbelievable("its answer is no JSON object, or not one that every reader understands alike") from None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _not_this_login() -> RequestRefusedError:
    return _refused(
        400, Phrase("This is not the login that began in this browser, or it took too long."), Phrase("Log in again.")
    )


def _unbelievable(why: str) -> RequestRefusedError:
    return _refused(
        502,
        Phrase("The OpenID provider cannot be used: %(why)s.", why=why),
        Phrase("Try again later, or tell the node's operator."),
    )


def _refused(status: int, detail: str, remedy: str) -> RequestRefusedError:
    return RequestRefusedError(status, "provider-login", detail, remedy)
