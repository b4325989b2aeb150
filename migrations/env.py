"""What alembic runs: on the connection it is handed, or as text for `fledger migrate --dry-run`."""

from alembic import context

bind = context.config.attributes.get("bind")
if bind is None:
    context.configure(dialect_name="postgresql", as_sql=True)
else:
    context.configure(connection=bind)
with context.begin_transaction():
    context.run_migrations()
