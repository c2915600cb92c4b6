"""What points to a comment is found by it, so that old comments are removed quickly. Written once."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_client_ids_comment_id"), "client_ids", ["comment_id"], unique=False)
    op.create_index(
        "ix_review_acts_comment_id",
        "review_acts",
        ["comment_id"],
        unique=False,
        sqlite_where=sa.text("comment_id IS NOT NULL"),
        postgresql_where=sa.text("comment_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_review_acts_comment_id", table_name="review_acts")
    op.drop_index(op.f("ix_client_ids_comment_id"), table_name="client_ids")
