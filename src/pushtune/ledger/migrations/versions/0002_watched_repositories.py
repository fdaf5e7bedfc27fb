"""Watched repositories: their heads, pushes that begin before a study exists, the outbox.

Written out rather than taken from ``tables``: a migration says what the schema was, for ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables, widen pushes, and give older pushes the stages that they left out."""
    _create_repositories()
    _widen_pushes()
    _create_outbox()
    for stage in ("pull", "deliver", "notify"):
        copied = sa.text(
            "INSERT INTO stages (push, name, state, message) SELECT id, :name, 'skipped', '' FROM pushes"
        )
        op.execute(copied.bindparams(name=stage))


def _create_repositories() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("branches", sa.JSON, nullable=False),
        sa.Column("poll", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("removed", sa.Float),
    )
    op.create_table(
        "heads",
        sa.Column("repository", sa.Integer, sa.ForeignKey("repositories.id"), primary_key=True),
        sa.Column("branch", sa.String(250), primary_key=True),
        sa.Column("commit", sa.String(64), nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("forge", sa.String(20), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("received", sa.Float, nullable=False),
    )


def _widen_pushes() -> None:
    with op.batch_alter_table("pushes") as table:
        table.alter_column("study", existing_type=sa.String(80), nullable=True)
        table.add_column(sa.Column("repository", sa.Integer))
        table.add_column(sa.Column("branch", sa.String(250)))
        table.add_column(sa.Column("commit", sa.String(64)))
        table.add_column(sa.Column("told_by", sa.String(20)))
        table.add_column(sa.Column("author", sa.JSON))
        table.add_column(sa.Column("subject", sa.Text))
        table.add_column(sa.Column("fingerprint", sa.String(64)))
        table.add_column(sa.Column("trouble", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("retry_at", sa.Float))
        table.add_column(sa.Column("round", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("best", sa.Float))
        table.add_column(sa.Column("baseline", sa.Float))
        table.create_foreign_key("pushes_of_repository", "repositories", ["repository"], ["id"])
    op.create_index("pushes_by_state", "pushes", ["state", "id"])
    op.create_index("pushes_by_branch", "pushes", ["repository", "branch", "id"])
    op.create_index("pushes_by_fingerprint", "pushes", ["repository", "fingerprint"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("push", sa.Integer, sa.ForeignKey("pushes.id"), index=True),
        sa.Column("occasion", sa.String(40), nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False, unique=True),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipients", sa.JSON, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try", sa.Float, nullable=False),
        sa.Column("sent", sa.Float),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("push", "occasion", name="one_letter_an_occasion"),
    )
