"""The keys a node signs with: an offline root key, and operational keys the root certifies for a time.

The folder ``keys`` (0700) holds, each 0600: ``root.public.json``; ``root.private.json``, until the operator takes
it off the machine; and for each operational key ``KID.private.json``, ``KID.certificate.jws`` and, where revoked,
``KID.revocation.jws``. Files are added, never changed, so that the list of names tells a running node what is new.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import OKPKey

from sealane.database.tables.identity import peer_key
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange import jws
from sealane.exchange.certificates import (
    CERTIFICATE_TYP,
    PARTICIPANT,
    REVOCATION_TYP,
    Certificate,
    Revocation,
    certify,
    read_certificate,
    read_revocation,
    revoke,
)
from sealane.exchange.jws import read_header
from sealane.exchange.key_files import (
    check_folder,
    private_text,
    read_file,
    read_private,
    read_root_public,
    write_new,
)

KEY_LIFETIME = dt.timedelta(days=365)
ROOT_PRIVATE = "root.private.json"
ROOT_PUBLIC = "root.public.json"
# Clocks are set back a little now and then; a key that was just made must sign all the same.
_BACKDATED = dt.timedelta(minutes=5)
_LISTINGS = 3
_PRIVATE, _CERTIFICATE, _REVOCATION = ".private.json", ".certificate.jws", ".revocation.jws"


@dataclass(frozen=True)
class OperationalKey:
    """One operational key of this node.

    Attributes
    ----------
    private : None once another key has taken over; what it signed stays verifiable.
    """

    certificate: Certificate
    private: OKPKey | None
    revocation: Revocation | None

    @property
    def kid(self) -> str:
        """Thumbprint of the key."""
        return self.certificate.kid

    def signs_at(self, now: dt.datetime) -> bool:
        """Say whether the node may sign with it now."""
        inside = self.certificate.valid_from <= now < self.certificate.valid_until
        return self.private is not None and self.revocation is None and inside


class Identity:
    """Who this node is and what it signs with; safe to use from several threads.

    Attributes
    ----------
    participant : id under which partners know the port.
    origin : public ``scheme://host[:port]`` of the node, as registered with partners.
    root_jwk : public root key.
    """

    def __init__(self, folder: Path, participant: str, origin: str) -> None:
        self.folder = folder
        self.participant = participant
        self.origin = origin
        self.root_jwk = read_root_public(folder / ROOT_PUBLIC)
        self._lock = threading.Lock()
        self._names: frozenset[str] = frozenset()
        self._keys: tuple[OperationalKey, ...] = ()
        self.operational_keys()

    @classmethod
    def create(
        cls,
        folder: Path,
        participant: str,
        origin: str,
        now: dt.datetime,
        *,
        root_file: Path | None = None,
        lifetime: dt.timedelta = KEY_LIFETIME,
    ) -> Identity:
        """Make a root key and the first operational key.

        Parameters
        ----------
        folder : the folder of keys, made here with 0700; must not hold keys yet.
        root_file : where the private root key goes; omitted: into the folder, from where the operator should take it.
        lifetime : validity of the operational key.

        Raises
        ------
        InputError
            If the id is malformed or the folder holds keys already.
        """
        check_participant(participant)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if any(folder.iterdir()):
            raise InputError(f"{folder}: holds files already. Choose an empty folder; keys are never overwritten.")
        root = jws.new_key()
        root_file = root_file or folder / ROOT_PRIVATE
        if root_file.exists():
            raise InputError(f"{root_file}: exists already. Choose another file for the root key.")
        write_new(root_file, private_text(root))
        write_new(folder / ROOT_PUBLIC, json.dumps(jws.public_jwk(root), sort_keys=True))
        identity = cls(folder, participant, origin)
        identity.rotate(now, root_file=root_file, lifetime=lifetime)
        return identity

    @classmethod
    def open(cls, folder: Path, participant: str, origin: str) -> Identity:
        """Read the keys of a node.

        Raises
        ------
        InputError
            If the folder or a file can be read by others, or the keys are for another participant.
        """
        check_folder(folder)
        return cls(folder, participant, origin)

    @property
    def root_kid(self) -> str:
        """Thumbprint of the root key."""
        return jws.thumbprint(self.root_jwk)

    def operational_keys(self) -> tuple[OperationalKey, ...]:
        """Return all operational keys, newest first; reads the folder again when its list of files has changed."""
        names = _names(self.folder)
        while names != self._names:
            with self._lock:
                keys = _read_keys(self.folder, names, self.root_jwk, self.participant)
                if keys is not None:  # none of the files was taken away since they were listed
                    self._keys, self._names = keys, names
            names = _names(self.folder)
        return self._keys

    def signing_key(self, now: dt.datetime) -> OperationalKey:
        """Return the newest key that may sign now.

        Raises
        ------
        InputError
            If every key has expired or is revoked.
        """
        for _ in range(_LISTINGS):
            for key in self.operational_keys():
                if key.signs_at(now):
                    return key
            # A list made while another process rotates may lack the new key and the old; look again.
            self._names = frozenset()
        raise InputError("No key of this node is valid now. Make a new one with `sealane node key rotate`.")

    def sign(self, payload: bytes, typ: str, now: dt.datetime, key: OperationalKey | None = None) -> str:
        """Return a compact JWS over the exact bytes by the current key.

        Parameters
        ----------
        typ : kind of the statement, one of `sealane.exchange.evidence.Typ` or of tokens.
        key : what `signing_key` gave, where several statements must be by the same key; omitted: the current one.
        """
        key = key or self.signing_key(now)
        if typ in {CERTIFICATE_TYP, REVOCATION_TYP}:
            raise ValueError(f"{typ} is signed by the root key only")
        return jws.seal(payload, typ=typ, kid=key.kid, key=_private(key), now=now)

    def rotate(
        self, now: dt.datetime, *, root_file: Path | None = None, lifetime: dt.timedelta = KEY_LIFETIME
    ) -> OperationalKey:
        """Make and certify a new operational key, which signs at once; older ones stay verifiable for their time.

        Raises
        ------
        InputError
            If the root key is not at hand or is not this node's.
        """
        root = self._root(root_file)
        self.install(certify_request(root, self.request_key(), now, lifetime).text)
        return self.signing_key(now)

    def request_key(self) -> dict[str, Any]:
        """Make a key and return what the root key has to certify; until `install` the key signs nothing."""
        key = jws.new_key()
        public = jws.public_jwk(key)
        kid = jws.thumbprint(public)
        write_new(self.folder / f"{kid}{_PRIVATE}", private_text(key))
        return {"participant": self.participant, "kid": kid, "jwk": public}

    def install(self, text: str) -> Certificate | Revocation:
        """Take over what the root key signed elsewhere: the certificate of a requested key, or a revocation.

        Raises
        ------
        InputError
            If it is not for this node, or for a key this node does not have.
        """
        known = {key.kid: key for key in self.operational_keys()}
        try:
            if read_header(text).typ == REVOCATION_TYP:
                return self._install_revocation(read_revocation(text, self.root_jwk, self.participant), known)
            certificate = read_certificate(text, self.root_jwk, self.participant)
        except RequestRefusedError as error:
            raise InputError(f"The statement cannot be installed: {error.detail} {error.remedy}") from None
        if not (self.folder / f"{certificate.kid}{_PRIVATE}").exists() or certificate.kid in known:
            raise InputError(
                f"{certificate.kid}: this node has not requested that key, or has its certificate already."
            )
        write_new(self.folder / f"{certificate.kid}{_CERTIFICATE}", certificate.text)
        # An older private key has no use left but to be stolen.
        for kid in (key.kid for key in known.values() if key.private is not None):
            (self.folder / f"{kid}{_PRIVATE}").unlink(missing_ok=True)
        return certificate

    def revoke(
        self,
        kid: str,
        now: dt.datetime,
        *,
        reason: str,
        revoked_at: dt.datetime | None = None,
        root_file: Path | None = None,
    ) -> Revocation:
        """Publish that a key is not to be trusted; partners refuse it from when they know, at most a minute later.

        Parameters
        ----------
        revoked_at : since when the key may have been in other hands; omitted: now.

        Raises
        ------
        InputError
            If the key is unknown or revoked already, or the root key is not at hand.
        """
        known = {key.kid: key for key in self.operational_keys()}
        revocation = revoke(self._root(root_file), self.participant, kid, revoked_at or now, reason, now)
        return self._install_revocation(revocation, known)

    def _install_revocation(self, revocation: Revocation, known: dict[str, OperationalKey]) -> Revocation:
        kid = revocation.kid
        if kid not in known:
            raise InputError(f"{kid}: no such key. `sealane node key list` prints the keys of this node.")
        if known[kid].revocation is not None:
            raise InputError(f"{kid}: is revoked already.")
        write_new(self.folder / f"{kid}{_REVOCATION}", revocation.text)
        (self.folder / f"{kid}{_PRIVATE}").unlink(missing_ok=True)
        return revocation

    def key_set(self, now: dt.datetime) -> dict[str, Any]:
        """Return what ``/.well-known/sealane/keys`` shows: a JWKS of what is valid now, and the root's statements."""
        keys = self.operational_keys()
        usable = [
            {**key.certificate.jwk, "alg": jws.ALGORITHM, "kid": key.kid, "use": "sig"}
            for key in keys
            if key.revocation is None and key.certificate.valid_from <= now < key.certificate.valid_until
        ]
        return {
            "participant": self.participant,
            "root": self.root_kid,
            "keys": usable,
            "certificates": [key.certificate.text for key in keys],
            "revocations": [key.revocation.text for key in keys if key.revocation],
        }

    def _root(self, root_file: Path | None) -> OKPKey:
        path = root_file or self.folder / ROOT_PRIVATE
        if not path.exists():
            raise InputError(f"{path}: the private root key is not there. Bring it and name its file with --root-key.")
        root = read_private(path)
        if jws.public_jwk(root) != self.root_jwk:
            raise InputError(f"{path}: is not the root key of this node, whose thumbprint is {self.root_kid}.")
        return root


def certify_request(root: OKPKey, request: Any, now: dt.datetime, lifetime: dt.timedelta = KEY_LIFETIME) -> Certificate:
    """Certify a requested key; needs no node, so that it can be done where the root key is kept.

    Raises
    ------
    InputError
        If it is not a request that `Identity.request_key` made.
    """
    try:
        participant, jwk = request["participant"], jws.public_jwk(jws.read_public_jwk(request["jwk"]))
        matches = request["kid"] == jws.thumbprint(jwk)
    except (KeyError, TypeError, ValueError):
        matches = False
    if not matches:
        raise InputError("The request for a certificate is malformed. Make it with `sealane node key request`.")
    check_participant(participant)
    start = now.replace(microsecond=0)
    return certify(root, participant, jwk, start - _BACKDATED, start + lifetime, now)


def check_participant(participant: str) -> None:
    """Refuse an id that is not 1 to 200 of the characters an id may have."""
    if not PARTICIPANT.fullmatch(participant):
        raise InputError(
            f"The participant id {participant[:60]!a} is malformed. Use up to 200 letters, digits and . _ : / % -,"
            " beginning with a letter or digit."
        )


def record_own_keys(connection: sa.Connection, identity: Identity) -> None:
    """Store the node's own keys beside its partners', so that its own statements are verified in the same way."""
    known = {
        row.kid: row.revocation
        for row in connection.execute(sa.select(peer_key).where(peer_key.c.participant == identity.participant))
    }
    for key in identity.operational_keys():
        if key.kid not in known:
            connection.execute(peer_key.insert().values(**key_row(key.certificate)))
        if key.revocation is not None and known.get(key.kid) is None:
            own = (peer_key.c.participant == identity.participant) & (peer_key.c.kid == key.kid)
            connection.execute(
                peer_key.update()
                .where(own)
                .values(revoked_at=key.revocation.revoked_at, revocation=key.revocation.text)
            )


def key_row(certificate: Certificate) -> dict[str, Any]:
    """Return the values of the row of table ``peer_key`` that a certificate makes."""
    return {
        "participant": certificate.participant,
        "kid": certificate.kid,
        "jwk": certificate.jwk,
        "certificate": certificate.text,
        "valid_from": certificate.valid_from,
        "valid_until": certificate.valid_until,
        "root_kid": certificate.root_kid,
    }


def _private(key: OperationalKey) -> OKPKey:
    assert key.private is not None  # signs_at looked
    return key.private


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir() if not path.name.startswith("."))


def _read_keys(
    folder: Path, names: frozenset[str], root_jwk: dict[str, str], participant: str
) -> tuple[OperationalKey, ...] | None:
    """Return the keys of the files named, None if one of them was taken away meanwhile."""
    keys = []
    for name in names:
        if not name.endswith(_CERTIFICATE):
            continue
        kid = name.removesuffix(_CERTIFICATE)
        try:
            certificate = read_certificate(read_file(folder / name), root_jwk, participant)
            revocation = None
            if f"{kid}{_REVOCATION}" in names:
                revocation = read_revocation(read_file(folder / f"{kid}{_REVOCATION}"), root_jwk, participant)
        except RequestRefusedError as error:
            raise InputError(
                f"{folder / name}: {error.detail} The node's id {participant!r} or its root key may have been changed:"
                " put back what `sealane node init` was given."
            ) from None
        private = None
        if f"{kid}{_PRIVATE}" in names:
            try:
                private = read_private(folder / f"{kid}{_PRIVATE}")
            except FileNotFoundError:
                return None
        keys.append(OperationalKey(certificate, private, revocation))
    # Of two keys of one second the one that can sign is the newer: installing it took the other's private half.
    return tuple(
        sorted(keys, key=lambda key: (key.certificate.valid_from, key.private is not None, key.kid), reverse=True)
    )
