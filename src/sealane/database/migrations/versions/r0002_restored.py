"""Whether a database came from a backup, and of when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("node_info") as batch:
        batch.add_column(sa.Column("backup_taken_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("restored_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("node_info") as batch:
        batch.drop_column("restored_at")
        batch.drop_column("backup_taken_at")
