"""Comments, their review and the published feed. Written once; a later change is a migration of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENTITLED = (
    "role = 'chief-reviewer' OR (role = 'senior-reviewer' AND stage <= 2)"
    " OR (role = 'reviewer' AND stage = 1)"
)


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("rotated_at", sa.Double(), nullable=True),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.Column("removed_at", sa.Double(), nullable=True),
        sa.Column("removed_by", sa.String(), nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_sources_name_length")),
        sa.CheckConstraint("length(created_by) <= 128", name=op.f("ck_sources_created_by_length")),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by IS NULL)", name=op.f("ck_sources_removed_by_whom")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_sources_key_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_sources_name",
        "sources",
        ["name"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "cards",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("broadcast", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stages", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("publish_at", sa.Double(), nullable=True),
        sa.Column("held", sa.String(), nullable=False),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("rescued", sa.Boolean(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state IN ('blocked', 'waiting', 'approved', 'published', 'rejected', 'expired')",
            name=op.f("ck_cards_state"),
        ),
        sa.CheckConstraint("stages BETWEEN 1 AND 3", name=op.f("ck_cards_stages")),
        sa.CheckConstraint("stage BETWEEN 1 AND stages", name=op.f("ck_cards_stage")),
        sa.CheckConstraint(
            "verdict BETWEEN 0 AND 4 AND (verdict < 2 OR stages >= 2) AND (verdict < 3 OR stages = 3)",
            name=op.f("ck_cards_stages_of_verdict"),
        ),
        sa.CheckConstraint("(publish_at IS NULL) = (state <> 'approved')", name=op.f("ck_cards_publish_at")),
        sa.CheckConstraint("state <> 'published' OR held = ''", name=op.f("ck_cards_held_is_unpublished")),
        sa.CheckConstraint("length(held) <= 500", name=op.f("ck_cards_held_length")),
        sa.CheckConstraint("length(key) <= 128", name=op.f("ck_cards_key_length")),
        sa.CheckConstraint("length(broadcast) <= 128", name=op.f("ck_cards_broadcast_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
        sa.UniqueConstraint("id", "stages", name=op.f("uq_cards_id_stages")),
    )
    op.create_index(
        op.f("ix_cards_state_channel_stage"), "cards", ["state", "channel", "stage"], unique=False
    )
    op.create_index(op.f("ix_cards_channel_broadcast"), "cards", ["channel", "broadcast"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("at_media_s", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.Column("lists", sa.String(), nullable=False),
        sa.Column("hits", sa.JSON(), nullable=False),
        sa.Column("cause_zh", sa.String(), nullable=False),
        sa.Column("cause_en", sa.String(), nullable=False),
        sa.Column("masked", sa.String(), nullable=True),
        sa.Column("masked_author", sa.String(), nullable=True),
        sa.CheckConstraint("length(text) <= 2000", name=op.f("ck_comments_text_length")),
        sa.CheckConstraint("length(author) <= 64", name=op.f("ck_comments_author_length")),
        sa.CheckConstraint("length(author_id) <= 128", name=op.f("ck_comments_author_id_length")),
        sa.CheckConstraint("length(client_id) <= 128", name=op.f("ck_comments_client_id_length")),
        sa.CheckConstraint("verdict BETWEEN 0 AND 4", name=op.f("ck_comments_verdict")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_comments_card_id")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_comments_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("id", "card_id", name=op.f("uq_comments_id_card_id")),
    )
    op.create_index(op.f("ix_comments_card_id"), "comments", ["card_id"], unique=False)
    op.create_index(
        op.f("ix_comments_source_id_author_id"), "comments", ["source_id", "author_id"], unique=False
    )
    op.create_table(
        "client_ids",
        sa.Column("source_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("comment_id", BIG, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("length(client_id) <= 128", name=op.f("ck_client_ids_client_id_length")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_client_ids_source_id")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_client_ids_comment_id")),
        sa.PrimaryKeyConstraint("source_id", "client_id", name=op.f("pk_client_ids")),
    )
    op.create_index(op.f("ix_client_ids_at"), "client_ids", ["at"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("card_id", BIG, autoincrement=False, nullable=False),
        sa.Column("stage", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("decision IN ('approve', 'reject')", name=op.f("ck_decisions_decision")),
        sa.CheckConstraint("stage BETWEEN 1 AND 3", name=op.f("ck_decisions_stage")),
        sa.CheckConstraint(ENTITLED, name=op.f("ck_decisions_entitled")),
        sa.CheckConstraint("(decision = 'reject') = (code <> '')", name=op.f("ck_decisions_rejected_why")),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_decisions_note_length")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_decisions_card_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_decisions_user_id")),
        sa.PrimaryKeyConstraint("card_id", "stage", name=op.f("pk_decisions")),
        sa.UniqueConstraint("card_id", "user_id", name=op.f("uq_decisions_card_id_user_id")),
        sa.UniqueConstraint("card_id", "stage", "decision", name=op.f("uq_decisions_card_id_stage_decision")),
    )
    op.create_table(
        "review_acts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("comment_id", BIG, nullable=True),
        sa.CheckConstraint(
            "kind IN ('approve', 'reject', 'escalate', 'release', 'restore', 'undo', 'hold', 'retract', 'rejudge', 'expire', 'publish')",
            name=op.f("ck_review_acts_kind"),
        ),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR kind NOT IN ('approve', 'reject', 'escalate', 'release', 'restore', 'undo')",
            name=op.f("ck_review_acts_person"),
        ),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_review_acts_note_length")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_review_acts_card_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_review_acts_user_id")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_review_acts_comment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_acts")),
        sa.UniqueConstraint("card_id", "revision", name=op.f("uq_review_acts_card_id_revision")),
    )
    op.create_table(
        "publications",
        sa.Column("card_id", BIG, autoincrement=False, nullable=False),
        sa.Column("stages", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("second", sa.Integer(), nullable=True),
        sa.Column("third", sa.Integer(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("decision = 'approve'", name=op.f("ck_publications_decision")),
        sa.CheckConstraint("first = 1", name=op.f("ck_publications_first")),
        sa.CheckConstraint(
            "(stages >= 2) = (second IS NOT NULL) AND (second IS NULL OR second = 2)",
            name=op.f("ck_publications_second"),
        ),
        sa.CheckConstraint(
            "(stages >= 3) = (third IS NOT NULL) AND (third IS NULL OR third = 3)",
            name=op.f("ck_publications_third"),
        ),
        sa.ForeignKeyConstraint(
            ["card_id", "stages"], ["cards.id", "cards.stages"], name="fk_publications_stages"
        ),
        *(
            sa.ForeignKeyConstraint(
                ["card_id", stage, "decision"],
                ["decisions.card_id", "decisions.stage", "decisions.decision"],
                name=f"fk_publications_{stage}",
            )
            for stage in ("first", "second", "third")
        ),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_publications")),
    )
    op.create_table(
        "published",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("comment_id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("kind IN ('publish', 'retract')", name=op.f("ck_published_kind")),
        sa.ForeignKeyConstraint(["card_id"], ["publications.card_id"], name=op.f("fk_published_card_id")),
        sa.ForeignKeyConstraint(
            ["comment_id", "card_id"],
            ["comments.id", "comments.card_id"],
            name=op.f("fk_published_comment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published")),
        sa.UniqueConstraint("comment_id", "kind", name=op.f("uq_published_comment_id_kind")),
    )
    op.create_index(op.f("ix_published_channel_id"), "published", ["channel", "id"], unique=False)
    op.create_index(op.f("ix_published_card_id"), "published", ["card_id"], unique=False)


def downgrade() -> None:
    for table in (
        "published",
        "publications",
        "review_acts",
        "decisions",
        "client_ids",
        "comments",
        "cards",
        "sources",
    ):
        op.drop_table(table)
