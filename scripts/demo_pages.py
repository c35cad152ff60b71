"""What the demo's nodes show on their pages: kept results, and people of every role."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

from sealane.node.open import open_node
from sealane.web.accounts.passwords import hash_password
from sealane.web.accounts.users import add_user, set_password
from sealane.web.results import keep_result

# (login, role as people call it, role)
_PEOPLE = (
    ("analyst", "analyst", "analyst"),
    ("steward", "data steward", "steward"),
    ("officer", "agreement officer", "officer"),
    ("administrator", "administrator", "administrator"),
)
LOGINS = tuple((login, words) for login, words, _ in _PEOPLE)


def let_people_in(folder: Path, password: str) -> None:
    """Give a node one person of each role, all with one password."""
    with contextlib.redirect_stderr(io.StringIO()):
        node = open_node(folder)
    with node, node.database.write() as connection:
        for login, words, role in _PEOPLE:
            user = add_user(connection, login=login, name=words.capitalize(), role=role, now=node.clock())
            set_password(connection, user.id, hash_password(password), node.clock())


def keep_results(folder: Path, results: Sequence[tuple[Path, str]]) -> None:
    """Let a node keep finished results, open to guests.

    Parameters
    ----------
    results : folder and title.
    """
    with contextlib.redirect_stderr(io.StringIO()):
        node = open_node(folder)
    with node:
        for path, title in results:
            keep_result(node, path, title=title, public=True)
