"""Keeps the secrets of channels: encrypted in the database, with a key that stands in the node's folder of keys.

Who gets hold of the database alone, or of a dump of it, learns neither where webhooks go nor what signs them. A backup
of the node holds both, as it holds the signing keys.
"""

from __future__ import annotations

import base64
import binascii
import os
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealane.errors import InputError, Phrase
from sealane.exchange.key_files import read_file, write_new
from sealane.node.open import KEYS_FOLDER

FILE = "alerts.secret"
_KEY_BYTES, _NONCE_BYTES = 32, 12


def seal(folder: Path, text: str, purpose: str) -> str:
    """Return a text encrypted with the node's key (AES-256-GCM); it opens only for the same purpose.

    Parameters
    ----------
    folder : the node's folder.
    purpose : what the text is and whose, for instance ``target <channel id>``.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_key(folder, make=True)).encrypt(nonce, text.encode("utf-8"), purpose.encode("utf-8"))
    return base64.b64encode(nonce + sealed).decode("ascii")


def unseal(folder: Path, sealed: str, purpose: str) -> str:
    """Return the text that `seal` was given.

    Raises
    ------
    InputError
        When the key is another one or gone, or the row was altered.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
        key = _key(folder, make=False)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode("utf-8")).decode("utf-8")
    except (InvalidTag, binascii.Error, ValueError, FileNotFoundError):
        raise InputError(
            Phrase(
                "What a channel of alerts keeps secret cannot be read: %(file)s in the node's folder is not the key it"
                " was kept with. Restore the file from a backup, or make the channel anew.",
                file=f"{KEYS_FOLDER}/{FILE}",
            )
        ) from None


def _key(folder: Path, *, make: bool) -> bytes:
    path = folder / KEYS_FOLDER / FILE
    if make and not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):  # another process made it at the same moment
            write_new(path, base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii"))
    key = base64.b64decode(read_file(path), validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("the key has another length")
    return key
