"""Bans of authors. Written once; a later change is a migration of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("card_id", BIG, nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=True),
        sa.Column("lifted_at", sa.Double(), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.CheckConstraint("length(cause) BETWEEN 1 AND 500", name=op.f("ck_bans_cause_length")),
        sa.CheckConstraint("length(author) <= 64", name=op.f("ck_bans_author_length")),
        sa.CheckConstraint("length(author_id) <= 128", name=op.f("ck_bans_author_id_length")),
        sa.CheckConstraint("length(made_by) <= 128", name=op.f("ck_bans_made_by_length")),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > at", name=op.f("ck_bans_ends_at")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_bans_lifted_by_whom")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_bans_source_id")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_bans_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bans")),
    )
    op.create_index(op.f("ix_bans_source_id_author_id"), "bans", ["source_id", "author_id"], unique=False)


def downgrade() -> None:
    op.drop_table("bans")
