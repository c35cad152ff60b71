"""Files that hold keys: private to their owner, written whole or not at all, never overwritten."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from sealane.errors import InputError
from sealane.exchange import jws


def private_text(key: OKPKey) -> str:
    """Return a private key as it is written into its file."""
    return json.dumps(key.as_dict(private=True), sort_keys=True)


def read_root_public(path: Path) -> dict[str, str]:
    """Return the public root key of a node."""
    try:
        return jws.public_jwk(jws.read_public_jwk(json.loads(read_file(path))))
    except FileNotFoundError:
        raise InputError(f"{path}: is missing. Make the node's keys with `sealane node init`.") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}. Restore it from a backup.") from None


def read_private(path: Path) -> OKPKey:
    """Return a private key; refuses a file that others can use, or that holds no Ed25519 key."""
    try:
        key = OKPKey.import_key(json.loads(read_file(path)))
    except (JoseError, ValueError, TypeError, KeyError):
        raise InputError(f"{path}: is not a private Ed25519 key. Restore it from a backup.") from None
    if not key.is_private or key.curve_name != "Ed25519":
        raise InputError(f"{path}: is not a private Ed25519 key. Restore it from a backup.")
    return key


def read_file(path: Path) -> str:
    """Return the text of a file; refuses one that others may read or write."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno())
        if mode.st_mode & 0o077:
            raise InputError(f"{path}: others may read or write it. Make it private: chmod 600 {path}")
        return file.read().decode("utf-8")


def check_folder(folder: Path) -> None:
    """Refuse a folder of keys that others may enter."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{folder}: there is no folder of keys. Make the node with `sealane node init`.") from None
    if not stat.S_ISDIR(mode) or mode & 0o077:
        raise InputError(f"{folder}: must be a folder that only its owner may enter. Make it so: chmod 700 {folder}")


def write_new(path: Path, text: str) -> None:
    """Write a file that others cannot read and that is there whole or not at all, also after a power loss."""
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # mkstemp gives 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike rename, it fails where the name is taken
    finally:
        Path(temporary).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
