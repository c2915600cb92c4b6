"""A source's names for comments point to nothing by constraint: two checks a comment fewer. Written once.

They are forgotten after 24 hours, long before the comments they name.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_client_ids_comment_id"), table_name="client_ids")
    with op.batch_alter_table("client_ids") as table:
        table.drop_constraint(op.f("fk_client_ids_source_id"), type_="foreignkey")
        table.drop_constraint(op.f("fk_client_ids_comment_id"), type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("client_ids") as table:
        table.create_foreign_key(op.f("fk_client_ids_source_id"), "sources", ["source_id"], ["id"])
        table.create_foreign_key(op.f("fk_client_ids_comment_id"), "comments", ["comment_id"], ["id"])
    op.create_index(op.f("ix_client_ids_comment_id"), "client_ids", ["comment_id"], unique=False)
