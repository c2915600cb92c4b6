"""The table of archive parts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_parts",
        sa.Column("path", sa.String(255), primary_key=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("video", sa.Integer, nullable=False),
        sa.Column("audio", sa.Integer, nullable=False),
        sa.Column("data", sa.Integer, nullable=False),
        sa.Column("keyframe", sa.Boolean, nullable=False),
        sa.Column("tracks", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("closed", sa.String(16), nullable=False),
        sa.Column("gap_packets", sa.Integer, nullable=False),
        sa.Column("gap_bytes", sa.BigInteger, nullable=False),
        sa.Column("repaired", sa.Boolean, nullable=False),
        sa.Column("missing", sa.Boolean, nullable=False),
        sa.Column("removed_at", sa.Float, nullable=True),
    )
    op.create_index("archive_parts_by_time", "archive_parts", ["channel", "start_s"])


def downgrade() -> None:
    op.drop_table("archive_parts")
