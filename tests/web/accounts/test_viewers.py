"""What the gate knows of a request without asking the database: addresses, paths, what a role may open."""

from __future__ import annotations

import dataclasses

import pytest
from fastapi import Request

from sealane.node.settings import make_settings
from sealane.web.accounts.gate import Viewer, address_group, address_of, allowed_paths, safe_next
from sealane.web.accounts.roles import Role


def test_the_navigation_shows_what_a_role_may_open() -> None:
    assert "/administration" in allowed_paths("administrator")
    assert "/administration" not in allowed_paths("officer")
    assert "/" in allowed_paths("guest", True)
    assert "/" not in allowed_paths("guest", False)
    assert not any("{" in path for path in allowed_paths("administrator"))


def _request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (peer, 1)})


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ("", "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.0/8", "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.5", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.5", ["1.1.1.1", "198.51.100.1, 10.0.0.6"], "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.5", ["1.1.1.1, nonsense"], "10.0.0.5"),
        ("10.0.0.0/8", "10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.0/8", "10.0.0.5", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.5", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_a_forwarded_address_is_believed_from_trusted_proxies_only(
    trusted: str, peer: str, forwarded: list[str], found: str
) -> None:
    given = {"participant": "urn:x:y", "name": "X", "origin": "https://x.example", "trusted_proxies": trusted}
    settings = make_settings(given, {}, "test")
    assert address_of(_request(peer, *forwarded), settings) == found


def test_one_ipv6_customer_is_one_sender() -> None:
    assert address_group("2001:db8:1:2:3::4") == address_group("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert address_group("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_group("unknown") == "unknown"


def test_only_paths_of_this_node_follow_a_login() -> None:
    assert safe_next("/ports/USLAX?day=2024-01-01") == "/ports/USLAX?day=2024-01-01"
    for text in ("", None, "x", "//e", "/\\e", "/a\\b", "http://e", "/login?next=/", "/logout", "/a\r\nb", "/" * 1001):
        assert safe_next(text) == "/", text


def test_a_viewer_is_frozen() -> None:
    viewer = Viewer(None, "guest", "", Role.GUEST, None, "en", "metric", "system", "", None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        viewer.role = Role.ADMINISTRATOR  # type: ignore[misc]  # what the test is about
