"""Authors whose comments come a little earlier in the queue. Written once; a later change is its own migration."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_authors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint("length(author_id) <= 128", name=op.f("ck_trusted_authors_author_id_length")),
        sa.CheckConstraint("length(made_by) <= 128", name=op.f("ck_trusted_authors_made_by_length")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_trusted_authors_ended_by_whom")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_trusted_authors_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_authors")),
    )
    op.create_index(
        "uq_trusted_authors_author",
        "trusted_authors",
        ["source_id", "author_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("trusted_authors")
