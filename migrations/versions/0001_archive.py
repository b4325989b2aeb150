"""The archive: every record of every topic, for ever. The reasons stand in the SQL beside this."""

from pathlib import Path

from ledger.migrate_schema import run_sql

revision = "0001_archive"
down_revision = None


def upgrade() -> None:
    run_sql(Path(__file__).with_suffix(".up.sql"))


def downgrade() -> None:
    run_sql(Path(__file__).with_suffix(".down.sql"))
