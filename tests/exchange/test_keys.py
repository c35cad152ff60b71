"""Keys: private to their owner, certified by an offline root, replaced and revoked without losing what was signed."""

from __future__ import annotations

import datetime as dt
import json
import stat
import threading
from pathlib import Path

import pytest

from sealane.errors import InputError, RequestRefusedError
from sealane.exchange.certificates import (
    CERTIFICATE_TYP,
    certify,
    read_certificate,
    read_revocation,
    revoke,
)
from sealane.exchange.evidence import Typ
from sealane.exchange.jws import new_key, open_sealed, public_jwk, read_header, read_public_jwk, seal, thumbprint
from sealane.exchange.keys import ROOT_PRIVATE, ROOT_PUBLIC, Identity
from sealane.exchange.peers import read_key_set

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity.create(tmp_path / "keys", "port-a", "https://a.example", NOW, root_file=tmp_path / "root.json")


def root_file(identity: Identity) -> Path:
    return identity.folder.parent / "root.json"


def test_every_file_is_private(identity: Identity) -> None:
    assert stat.S_IMODE(identity.folder.stat().st_mode) == 0o700
    files = [*identity.folder.iterdir(), root_file(identity)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    names = sorted(path.name for path in identity.folder.iterdir())
    kid = identity.signing_key(NOW).kid
    assert names == sorted([f"{kid}.certificate.jws", f"{kid}.private.json", ROOT_PUBLIC])


def test_the_root_key_stays_with_the_node_only_when_no_place_is_named(tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "keys", "port-a", "https://a.example", NOW)
    assert (identity.folder / ROOT_PRIVATE).exists()
    (identity.folder / ROOT_PRIVATE).rename(tmp_path / "moved.json")
    again = Identity.open(identity.folder, "port-a", "https://a.example")
    assert again.sign(b"x", Typ.RECEIPT, NOW)
    with pytest.raises(InputError, match="--root-key"):
        again.rotate(NOW)
    again.rotate(NOW, root_file=tmp_path / "moved.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_use_is_refused(identity: Identity, mode: int) -> None:
    private = next(identity.folder.glob("*.private.json"))
    private.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        Identity.open(identity.folder, "port-a", "https://a.example")


def test_a_folder_that_others_can_enter_is_refused(identity: Identity) -> None:
    identity.folder.chmod(0o750)
    with pytest.raises(InputError, match="chmod 700"):
        Identity.open(identity.folder, "port-a", "https://a.example")


def test_the_control_of_both_is_that_private_ones_open(identity: Identity) -> None:
    assert Identity.open(identity.folder, "port-a", "https://a.example").participant == "port-a"


def test_keys_are_never_overwritten_and_the_id_is_checked(identity: Identity, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="never overwritten"):
        Identity.create(identity.folder, "port-a", "https://a.example", NOW)
    with pytest.raises(InputError, match="root key"):
        Identity.create(tmp_path / "other", "port-a", "https://a.example", NOW, root_file=root_file(identity))
    with pytest.raises(InputError, match="malformed"):
        Identity.create(tmp_path / "third", "port a", "https://a.example", NOW)
    with pytest.raises(InputError, match="another participant"):
        Identity.open(identity.folder, "port-b", "https://a.example")
    with pytest.raises(InputError, match="sealane node init"):
        Identity.open(tmp_path / "nowhere", "port-a", "https://a.example")


def test_a_new_key_signs_at_once_and_the_old_private_key_is_gone(identity: Identity) -> None:
    elsewhere = Identity.open(identity.folder, "port-a", "https://a.example")  # a process that is serving
    old = identity.signing_key(NOW)
    new = identity.rotate(NOW + DAY, root_file=root_file(identity))
    assert read_header(identity.sign(b"", Typ.RECEIPT, NOW + DAY)).kid == new.kid != old.kid
    assert read_header(elsewhere.sign(b"", Typ.RECEIPT, NOW + DAY)).kid == new.kid
    assert not (identity.folder / f"{old.kid}.private.json").exists()
    published = {jwk["kid"] for jwk in identity.key_set(NOW + DAY)["keys"]}
    assert published == {old.kid, new.kid}


def test_a_key_that_is_revoked_or_expired_never_signs(identity: Identity) -> None:
    old = identity.signing_key(NOW)
    with pytest.raises(InputError, match="rotate"):
        identity.sign(b"", Typ.RECEIPT, NOW + 365 * DAY)
    identity.revoke(old.kid, NOW, reason="stolen", root_file=root_file(identity))
    with pytest.raises(InputError, match="rotate"):
        identity.sign(b"", Typ.RECEIPT, NOW)
    assert identity.key_set(NOW)["keys"] == []
    with pytest.raises(InputError, match="already"):
        identity.revoke(old.kid, NOW, reason="again", root_file=root_file(identity))
    with pytest.raises(InputError, match="no such key"):
        identity.revoke("x" * 43, NOW, reason="?", root_file=root_file(identity))


def test_another_root_key_certifies_nothing(identity: Identity, tmp_path: Path) -> None:
    Identity.create(tmp_path / "b", "port-b", "https://b.example", NOW, root_file=tmp_path / "b.json")
    with pytest.raises(InputError, match="not the root key of this node"):
        identity.rotate(NOW, root_file=tmp_path / "b.json")


def test_an_operational_key_cannot_certify(identity: Identity) -> None:
    with pytest.raises(ValueError, match="root key only"):
        identity.sign(b"{}", CERTIFICATE_TYP, NOW)


def test_the_published_list_is_read_back_and_its_statements_hang_on_the_root(identity: Identity) -> None:
    old = identity.signing_key(NOW)
    identity.rotate(NOW + DAY, root_file=root_file(identity))
    identity.revoke(old.kid, NOW + DAY, reason="routine", root_file=root_file(identity))
    content = json.dumps(identity.key_set(NOW + DAY)).encode()
    certificates, revocations = read_key_set(content, "port-a", identity.root_jwk)
    assert {certificate.kid for certificate in certificates} == {key.kid for key in identity.operational_keys()}
    assert [(revocation.kid, revocation.reason) for revocation in revocations] == [(old.kid, "routine")]
    assert b'"d"' not in content
    for participant, root in (("port-b", identity.root_jwk), ("port-a", public_jwk(new_key()))):
        with pytest.raises(RequestRefusedError):
            read_key_set(content, participant, root)


def test_a_certificate_says_whose_key_it_is_and_cannot_be_bent() -> None:
    root, key = new_key(), public_jwk(new_key())
    good = certify(root, "port-a", key, NOW, NOW + DAY, NOW)
    assert (good.kid, good.valid_from, good.valid_until) == (thumbprint(key), NOW, NOW + DAY)
    assert good.root_kid == thumbprint(public_jwk(root))
    for changed in (
        {"kid": "x" * 43},
        {"valid_until": "2026-03-01T12:00:00Z"},
        {"valid_until": "never"},
        {"participant": "port-b"},
        {"extra": 1},
        {"jwk": {**key, "d": "AAAA"}},
    ):
        body = json.loads(open_sealed(good.text, typ=CERTIFICATE_TYP, key=read_public_jwk(public_jwk(root)))[0])
        forged = seal(json.dumps(body | changed).encode(), typ=CERTIFICATE_TYP, kid=good.root_kid, key=root, now=NOW)
        with pytest.raises(RequestRefusedError):
            read_certificate(forged, public_jwk(root), "port-a")
    revocation = revoke(root, "port-a", good.kid, NOW, "lost", NOW)
    with pytest.raises(RequestRefusedError):  # one kind is not read as the other
        read_certificate(revocation.text, public_jwk(root), "port-a")
    with pytest.raises(RequestRefusedError):
        read_revocation(good.text, public_jwk(root), "port-a")


def test_many_threads_sign_while_the_key_changes(identity: Identity) -> None:
    failures: list[Exception] = []
    stop = threading.Event()

    def sign() -> None:
        while not stop.is_set():
            try:
                identity.sign(b"x", Typ.RECEIPT, NOW + DAY)
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    other = Identity.open(identity.folder, "port-a", "https://a.example")
    for _ in range(10):
        other.rotate(NOW, root_file=root_file(identity))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_cut_short_is_named(identity: Identity) -> None:
    private = next(identity.folder.glob("*.private.json"))
    private.write_text("{")
    with pytest.raises(InputError, match="not a private Ed25519 key") as refused:
        Identity.open(identity.folder, "port-a", "https://a.example")
    assert private.name in str(refused.value)
