"""The table of gaps in the archive."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_gaps",
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("end_s", sa.Float, primary_key=True),
        sa.Column("reason", sa.String(16), primary_key=True),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("packets", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("archive_gaps")
