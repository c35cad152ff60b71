"""Write a migration from what the tables in the code differ by from those the migrations make.

    python scripts/make_migration.py "what it does"

With ``--initial`` the first revision is written anew; that is for the time before a first release only. Read what it
wrote: a renamed column looks like one removed and one added.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.migrations import head, migrate
from sealane.database.tables import metadata
from sealane.database.types import JsonText, UtcDateTime

VERSIONS = Path(__file__).resolve().parents[1] / "src" / "sealane" / "database" / "migrations" / "versions"
PAGE = '''"""{title}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    {upgrade}


def downgrade() -> None:
    """Go back."""
    {downgrade}
'''


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our own types as what they are in the database: a migration stays as it is when the code moves on."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, JsonText):
        return "sa.Text()"
    return False


def main() -> int:
    """Write the next revision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("title", help="one sentence saying what it does")
    parser.add_argument("--initial", action="store_true", help="write revision 0001 anew")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder) / "empty.db"))
        if not asked.initial:
            migrate(database)
        with database.engine.connect() as connection:
            options = {
                "render_as_batch": not asked.initial,
                "render_item": render_item,
                "target_metadata": metadata,
                "user_module_prefix": None,
            }
            context = MigrationContext.configure(connection, opts=options)
            script = produce_migrations(context, metadata)
            upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
            if upgrade is None or downgrade is None or upgrade.is_empty():
                sys.stdout.write("The migrations make these tables already; nothing was written.\n")
                return 1
            texts = [
                render_python_code(
                    steps, render_as_batch=not asked.initial, migration_context=context, render_item=render_item
                )
                for steps in (upgrade, downgrade)
            ]
            # Alembic's own remarks say nothing that the file's head does not.
            texts = [re.sub(r"^ *# ###.*\n?", "", text, flags=re.MULTILINE) for text in texts]
        database.close()
    number = 1 if asked.initial else int(head()) + 1
    slug = "initial" if asked.initial else re.sub(r"\W+", "_", asked.title.lower()).strip("_")[:40]
    path = VERSIONS / f"r{number:04}_{slug}.py"
    down = None if number == 1 else f'"{number - 1:04}"'
    path.write_text(
        PAGE.format(
            title=asked.title.rstrip(".") + ".",
            revision=f"{number:04}",
            down=down,
            upgrade=texts[0].strip(),
            downgrade=texts[1].strip(),
        ),
        encoding="utf-8",
    )
    for command in (["format", "-q"], ["check", "--fix", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(path)], check=False)
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
