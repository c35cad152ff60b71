"""A little OpenID provider on a real socket: it signs with a real key and keeps to the protocol, unless told not to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.responses import JSONResponse, RedirectResponse, Response
from tests.live_nodes import free_socket, serving

CLIENT, SECRET = "sealane node", "s3cret/+&="


@dataclass
class Provider:
    """What the provider knows and says.

    Attributes
    ----------
    person : claims of who logs in there.
    discovery, claims : what goes over what it would say.
    sign : makes the ID token of claims; by default with its newest key.
    asked : paths it was asked for.
    """

    issuer: str
    clock: Callable[[], Any]
    person: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)}))
    secret: str = SECRET
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def id_token(self, nonce: str) -> str:
        now = int(self.clock().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= self.person | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def new_key(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})


def unsigned(claims: dict[str, Any]) -> str:
    return _joined({"alg": "none"}, claims) + "."


def with_public_key_as_secret(provider: Provider) -> Callable[[dict[str, Any]], str]:
    """The classic confusion: HS256 with the bytes of the public key. By hand, for the library refuses to help."""

    def sign(claims: dict[str, Any]) -> str:
        text = _joined({"alg": "HS256", "kid": provider.key.kid}, claims)
        digest = hmac.new(provider.key.as_pem(private=False), text.encode(), hashlib.sha256).digest()
        return f"{text}.{_base64url(digest)}"

    return sign


def _joined(*parts: dict[str, Any]) -> str:
    return ".".join(_base64url(json.dumps(part).encode()) for part in parts)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def provider(clock: Callable[[], Any]) -> Iterator[Provider]:
    """Serve a provider while the block runs."""
    listening = free_socket()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    known = Provider(f"{origin}/realms/port", clock)
    with serving(_app(known), listening):
        yield known


def _app(known: Provider) -> FastAPI:
    app = FastAPI()

    @app.get("/realms/port/.well-known/openid-configuration")
    async def discovery() -> Any:
        known.asked.append("discovery")
        found = {
            "issuer": known.issuer,
            "authorization_endpoint": f"{known.issuer}/authorize",
            "token_endpoint": f"{known.issuer}/token",
            "jwks_uri": f"{known.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse(found | known.discovery)

    @app.get("/realms/port/keys")
    async def keys() -> Any:
        known.asked.append("keys")
        return {"keys": [known.key.as_dict(private=False) | {"use": "sig", "alg": "ES256"}]}

    @app.get("/realms/port/authorize")
    async def authorize(request: Request) -> Response:
        query = dict(request.query_params)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        known.codes[code] = query
        iss = f"&iss={known.issuer}" if known.discovery.get("authorization_response_iss_parameter_supported") else ""
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}{iss}")

    @app.post("/realms/port/token")
    async def token(request: Request) -> Response:
        known.asked.append("token")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(text).decode().partition(":")
        if scheme != "Basic" or (unquote(name), unquote(secret)) != (CLIENT, known.secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = known.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if asked is None or asked["code_challenge"] != challenge.rstrip("="):
            return JSONResponse({"error": "invalid_grant"}, 400)
        if asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": known.id_token(asked["nonce"]), "access_token": "x", "token_type": "Bearer"})

    return app


def log_in_there(browser: httpx.Client, next_path: str = "/") -> tuple[httpx.Response, str]:
    """Go to the provider and back; return what the node answered, and the address the browser came back with."""
    begun = browser.get("/login/provider", params={"next": next_path})
    assert begun.status_code == 303, begun.text
    with httpx.Client(trust_env=False) as elsewhere:
        sent_back = elsewhere.get(begun.headers["location"]).headers["location"]
    parts = urlsplit(sent_back)
    return browser.get(f"{parts.path}?{parts.query}"), sent_back
