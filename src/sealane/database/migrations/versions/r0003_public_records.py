"""An index of the public records: who asks without a login must not lead through all that is held."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_record_public",
        "record",
        ["source", "dataset", "position"],
        sqlite_where=sa.text("public = 1"),
        postgresql_where=sa.text("public"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_record_public", "record")
