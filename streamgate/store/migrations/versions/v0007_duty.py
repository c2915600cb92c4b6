"""Who is on duty, practices and reaction times. Written once; a later change is a migration of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("broadcast", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_why", sa.String(), nullable=True),
        sa.CheckConstraint(
            "origin IN ('planned', 'handed_over', 'taken')", name=op.f("ck_duty_shifts_origin")
        ),
        sa.CheckConstraint(
            "ended_why IN ('handed_over', 'left', 'removed')", name=op.f("ck_duty_shifts_ended_why")
        ),
        sa.CheckConstraint("length(broadcast) <= 128", name=op.f("ck_duty_shifts_broadcast_length")),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_duty_shifts_note_length")),
        sa.CheckConstraint("length(made_by) <= 128", name=op.f("ck_duty_shifts_made_by_length")),
        sa.CheckConstraint("length(ended_by) <= 128", name=op.f("ck_duty_shifts_ended_by_length")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_duty_shifts_ends_at")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_duty_shifts_ended_by_whom")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_why IS NULL)", name=op.f("ck_duty_shifts_ended_why_given")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_duty_shifts_user_id")),
        sa.ForeignKeyConstraint(["after"], ["duty_shifts.id"], name=op.f("fk_duty_shifts_after")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shifts")),
    )
    op.create_index(op.f("ix_duty_shifts_channel_ends_at"), "duty_shifts", ["channel", "ends_at"])
    op.create_table(
        "duty_offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("to_user_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("offered_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("closed_why", sa.String(), nullable=True),
        sa.CheckConstraint(
            "closed_why IN ('accepted', 'withdrawn', 'lapsed')", name=op.f("ck_duty_offers_closed_why")
        ),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_duty_offers_note_length")),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_why IS NULL)", name=op.f("ck_duty_offers_closed")),
        sa.ForeignKeyConstraint(["shift_id"], ["duty_shifts.id"], name=op.f("fk_duty_offers_shift_id")),
        sa.ForeignKeyConstraint(["to_user_id"], ["users.id"], name=op.f("fk_duty_offers_to_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_offers")),
    )
    op.create_index(
        "uq_duty_offers_open",
        "duty_offers",
        ["shift_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "practices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("false_presses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_practices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practices")),
    )
    op.create_index(op.f("ix_practices_user_id_started_at"), "practices", ["user_id", "started_at"])
    op.create_table(
        "practice_marks",
        sa.Column("practice_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("planted_at", sa.Double(), nullable=False),
        sa.Column("reaction_s", sa.Double(), nullable=True),
        sa.Column("command", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('picture', 'sound')", name=op.f("ck_practice_marks_kind")),
        sa.CheckConstraint("command IN ('cut', 'dump')", name=op.f("ck_practice_marks_command")),
        sa.CheckConstraint("reaction_s BETWEEN 0 AND 10", name=op.f("ck_practice_marks_reaction_s")),
        sa.CheckConstraint(
            "(reaction_s IS NULL) = (command IS NULL)", name=op.f("ck_practice_marks_command_given")
        ),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name=op.f("fk_practice_marks_practice_id")
        ),
        sa.PrimaryKeyConstraint("practice_id", "number", name=op.f("pk_practice_marks")),
    )
    op.create_table(
        "reaction_times",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("measured_s", sa.Double(), nullable=True),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.Column("chosen_s", sa.Double(), nullable=True),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('picture', 'sound')", name=op.f("ck_reaction_times_kind")),
        sa.CheckConstraint("measured_s BETWEEN 0 AND 10", name=op.f("ck_reaction_times_measured_s")),
        sa.CheckConstraint("chosen_s BETWEEN 0 AND 10", name=op.f("ck_reaction_times_chosen_s")),
        sa.CheckConstraint("length(changed_by) <= 128", name=op.f("ck_reaction_times_changed_by_length")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reaction_times_user_id")),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_reaction_times")),
    )


def downgrade() -> None:
    for table in ("reaction_times", "practice_marks", "practices", "duty_offers", "duty_shifts"):
        op.drop_table(table)
