"""The first schema: studies, pushes with stages, exchanges with the scheduler, trials with attempts.

Written out rather than taken from ``tables``: a migration says what the schema was, for ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_studies()
    _create_pushes()
    _create_trials()
    _create_attempts()


def _create_studies() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, index=True),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("workdir", sa.Text, nullable=False),
        sa.Column("args", sa.JSON, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("metric", sa.Text),
        sa.Column("strategy", sa.String(20), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("spent", sa.Float, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_table(
        "exchanges",
        sa.Column("study", sa.String(80), sa.ForeignKey("studies.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )


def _create_pushes() -> None:
    op.create_table(
        "pushes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(80), sa.ForeignKey("studies.id"), nullable=False, index=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "stages",
        sa.Column("push", sa.Integer, sa.ForeignKey("pushes.id"), primary_key=True),
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("ended", sa.Float),
        sa.Column("message", sa.Text, nullable=False),
    )


def _create_trials() -> None:
    op.create_table(
        "trials",
        sa.Column("study", sa.String(80), sa.ForeignKey("studies.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("assignment", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("to_epoch", sa.Integer),
        sa.Column("finish", sa.Boolean, nullable=False),
        sa.Column("job", sa.Integer),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("report", sa.Float),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("memory", sa.Integer, nullable=False),
        sa.Column("curve", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("study", sa.String(80), primary_key=True),
        sa.Column("trial", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("from_epoch", sa.Integer, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        sa.Column("code", sa.Integer),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("label"),
    )
