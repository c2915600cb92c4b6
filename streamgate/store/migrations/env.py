"""Run by Alembic; the upgrade hands over its connection and owns the transaction."""

from alembic import context

from streamgate.store.tables import METADATA
from streamgate.store.version import TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=TABLE,
    render_as_batch=True,  # SQLite cannot alter a table: it is made anew
)
with context.begin_transaction():
    context.run_migrations()
