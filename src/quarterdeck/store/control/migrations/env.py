"""Alembic's entry: runs the revisions on the connection, and in the transaction, of `migrate`."""

from alembic import context

from quarterdeck.store.control.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
