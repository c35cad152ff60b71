"""Where the node may connect to: one spelling of an origin, and addresses that hide no other."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import InputError
from sealane.exchange.addresses import may_connect, origin_of, read_origin


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://Port.Example", "https://port.example"),
        ("https://port.example:443/", "https://port.example"),
        ("https://port.example:8443", "https://port.example:8443"),
        ("https://93.184.215.14", "https://93.184.215.14"),
        ("https://[2606:4700:0:0::1]:8443", "https://[2606:4700::1]:8443"),
    ],
)
def test_an_origin_has_one_spelling(written: str, read: str) -> None:
    assert str(read_origin(written)) == read
    assert str(read_origin(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "http://port.example",
        "ftp://port.example",
        "port.example",
        "//port.example",
        "https://",
        "https://port.example/path",
        "https://port.example?x",
        "https://port.example#x",
        "https://user@port.example",
        "https://user:password@port.example",
        "https://port.example:0",
        "https://port.example:",
        "https://port.example:99999",
        "https://port.example\\@evil.example",
        "https://port.example\t",
        "https://port .example",
        "https://pört.example",
        "https://port..example",
        "https://-port.example",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://127.1",
        "https://127.0.0.01",
        "https://[::1%25eth0]",
        "https://[fe80::1%eth0]",
    ],
)
def test_an_origin_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_origin(text)


def test_plain_http_is_for_private_networks() -> None:
    assert str(read_origin("http://127.0.0.1:8400", allow_private=True)) == "http://127.0.0.1:8400"
    with pytest.raises(InputError, match="not encrypted"):
        read_origin("http://127.0.0.1:8400")


def test_the_origin_of_a_url() -> None:
    assert str(origin_of("https://port.example/a/b?c=d")) == "https://port.example"
    assert origin_of("https://port.example@evil.example/") is None
    assert origin_of("javascript:alert(1)") is None


PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:7f00:0001::1",
    "2001:0:1::1",
    "2001:db8::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "localhost",
    "",
    "127.1",
]


@pytest.mark.parametrize("allow_private", [False, True])
def test_addresses_that_may_be_reached(allow_private: bool) -> None:
    assert {address: may_connect(address, allow_private) for address in PUBLIC} == dict.fromkeys(PUBLIC, True)
    assert {address: may_connect(address, allow_private) for address in PRIVATE} == dict.fromkeys(
        PRIVATE, allow_private
    )
    assert {address: may_connect(address, allow_private) for address in NEVER} == dict.fromkeys(NEVER, False)


@given(st.ip_addresses())
def test_only_what_python_also_calls_global_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if may_connect(str(address), False):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_reached_inside_an_ipv6_one(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for inside in (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0x0064FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ):
        if int(inside) != 1:  # ::1 is loopback itself
            assert not may_connect(str(inside), True)
