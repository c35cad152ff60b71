"""Passwords: argon2id, and a temporary one that an administrator hands over.

Parameters are the second recommended option of RFC 9106, section 4 (3 passes, 64 MiB, 4 lanes), which is above the
least that the OWASP Password Storage Cheat Sheet names (19 MiB, 2 passes, 1 lane). Length and the absence of rules of
composition follow NIST SP 800-63B, section 3.1.1.2.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from sealane.errors import DataError, Fault, Phrase, RequestRefusedError

MIN_LENGTH = 12
MAX_LENGTH = 200  # a longer one costs the server work and adds nothing
MIN_DISTINCT = 5
TEMPORARY_LENGTH = 16
# Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Each verification takes 64 MiB and a processor: many at once must not take the machine's memory, nor those who wait
# all the threads that serve other pages.
AT_ONCE = 2
IN_LINE = 8
WAIT_S = 10.0
_turns = threading.BoundedSemaphore(AT_ONCE)
_line = threading.BoundedSemaphore(AT_ONCE + IN_LINE)


def hash_password(password: str) -> str:
    """Return the hash to store, which holds its parameters and salt."""
    with _Turn():
        return _HASHER.hash(_prepared(password))


def verify_password(password: str, stored: str | None) -> bool:
    """Return whether a password is the stored one; takes the same time when nothing is stored.

    Raises
    ------
    RequestRefusedError
        503 when too many wait for their verification.
    """
    if len(password) > MAX_LENGTH:
        password, stored = "", None
    with _Turn():
        try:
            _HASHER.verify(stored or _nobodys(), _prepared(password))
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def check_password(password: str, *known: str) -> None:
    """Refuse a password that is too short, or told by what everybody knows of its owner.

    Parameters
    ----------
    known : the login, the person's name, the port's name.

    Raises
    ------
    DataError
        With every fault. None quotes the password.
    """
    faults = []
    text = _prepared(password)
    if len(text) < MIN_LENGTH:
        faults.append(
            Fault(
                "password",
                Phrase("has %(count)s characters", count=len(text)),
                Phrase("Use at least %(min_length)s; a sentence is easy to keep.", min_length=MIN_LENGTH),
            )
        )
    if len(text) > MAX_LENGTH:
        faults.append(
            Fault(
                "password",
                Phrase("has more than %(max_length)s characters", max_length=MAX_LENGTH),
                Phrase("Use a shorter one."),
            )
        )
    if text and len(set(text)) < MIN_DISTINCT:
        faults.append(
            Fault(
                "password",
                Phrase("has fewer than %(min_distinct)s different characters", min_distinct=MIN_DISTINCT),
                Phrase("Vary it."),
            )
        )
    folded = text.casefold()
    if any(len(word) >= 4 and word.casefold() in folded for word in known):
        faults.append(
            Fault("password", Phrase("holds the login, the name or the port's name"), Phrase("Leave these out."))
        )
    if faults:
        raise DataError(Phrase("The password cannot be used."), faults)


def temporary_password() -> str:
    """Return a password to be handed over and changed at once: some 79 bits, easy to type."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(TEMPORARY_LENGTH))
    return "-".join(text[i : i + 4] for i in range(0, TEMPORARY_LENGTH, 4))


def _prepared(password: str) -> str:
    # The same password typed on another keyboard may come as other code points (NIST SP 800-63B: NFKC or NFKD).
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    """A hash that no password fits, verified for unknown logins so that they take as long as known ones."""
    return _HASHER.hash(secrets.token_urlsafe(32))


class _Turn:
    def __enter__(self) -> None:
        if not _line.acquire(blocking=False):
            raise _busy()
        if not _turns.acquire(timeout=WAIT_S):
            _line.release()
            raise _busy()

    def __exit__(self, *_: object) -> None:
        _turns.release()
        _line.release()


def _busy() -> RequestRefusedError:
    return RequestRefusedError(
        503,
        "busy",
        Phrase("Too many people log in at this moment."),
        Phrase("Try again in a few seconds."),
        retry_after_s=5,
    )
