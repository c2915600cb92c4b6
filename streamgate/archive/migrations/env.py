"""Run by Alembic; the catalog hands over its connection."""

from alembic import context

from streamgate.archive.catalog import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
