"""The tables. The states in them are the enums of ``model.states``; their transitions stand there."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

studies = Table(
    "studies",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("key", String(64), nullable=False, index=True),
    Column("root", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("workdir", Text, nullable=False),
    Column("args", JSON, nullable=False),
    Column("target", Text),
    Column("metric", Text),
    Column("strategy", String(20), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("created", Float, nullable=False),
    # Seconds of wall time spent on it so far, over all commands.
    Column("spent", Float, nullable=False, default=0.0),
    # What later commands must not change while the study lives: interpreter, slots, threads, epochs.
    Column("facts", JSON, nullable=False),
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    # Where it is fetched from. Never with a password or a token in it.
    Column("address", Text, nullable=False),
    # The branches that are watched, as shell patterns; empty: the default branch.
    Column("branches", JSON, nullable=False),
    # Seconds between two looks; null: only hooks and webhooks tell.
    Column("poll", Float),
    Column("created", Float, nullable=False),
    # A removed repository stays for its history.
    Column("removed", Float),
)

# The newest commit that is known of each branch.
heads = Table(
    "heads",
    metadata,
    Column("repository", ForeignKey("repositories.id"), primary_key=True),
    Column("branch", String(250), primary_key=True),
    Column("commit", String(64), nullable=False),
    Column("seen", Float, nullable=False),
)

# Webhook deliveries that were taken, so that a replayed one is refused.
deliveries = Table(
    "deliveries",
    metadata,
    Column("forge", String(20), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("received", Float, nullable=False),
)

pushes = Table(
    "pushes",
    metadata,
    Column("id", Integer, primary_key=True),
    # Null until the script was read.
    Column("study", ForeignKey("studies.id"), index=True),
    Column("state", String(20), nullable=False),
    Column("created", Float, nullable=False),
    Column("ended", Float),
    Column("reason", Text, nullable=False, default=""),
    # The rest is null for a push made by `pushtune tune`.
    Column("repository", ForeignKey("repositories.id")),
    Column("branch", String(250)),
    Column("commit", String(64)),
    # Who told of it: poll, hook, webhook, command.
    Column("told_by", String(20)),
    Column("author", JSON),
    Column("subject", Text),
    # What makes two pushes the same: script, settings, data.
    Column("fingerprint", String(64)),
    # What stands in its way now (a full disk, a server that does not answer), and when to try again.
    Column("trouble", Text, nullable=False, default=""),
    Column("tries", Integer, nullable=False, default=0),
    Column("retry_at", Float),
    # Counts from 1; `pushtune retry` begins another. Each may write a letter of its own.
    Column("round", Integer, nullable=False, default=1),
    # Its best value so far and the author's own, for lists.
    Column("best", Float),
    Column("baseline", Float),
    Index("pushes_by_state", "state", "id"),
    Index("pushes_by_branch", "repository", "branch", "id"),
    Index("pushes_by_fingerprint", "repository", "fingerprint"),
)

stages = Table(
    "stages",
    metadata,
    Column("push", ForeignKey("pushes.id"), primary_key=True),
    Column("name", String(20), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("message", Text, nullable=False, default=""),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("pushes.id"), index=True),
    # Why it was written: a trigger's name. One letter for each push and occasion.
    Column("occasion", String(40), nullable=False),
    Column("message_id", String(200), nullable=False, unique=True),
    Column("sender", Text, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_try", Float, nullable=False),
    Column("sent", Float),
    Column("error", Text, nullable=False, default=""),
    UniqueConstraint("push", "occasion", name="one_letter_an_occasion"),
)

# What was asked of the scheduler and told to it, in order: replaying it rebuilds the scheduler.
exchanges = Table(
    "exchanges",
    metadata,
    Column("study", ForeignKey("studies.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("body", JSON, nullable=False),
)

trials = Table(
    "trials",
    metadata,
    Column("study", ForeignKey("studies.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("assignment", Text, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    # What is wanted of it now: train to the end of this epoch (null: as the source says), then end or pause.
    Column("to_epoch", Integer),
    Column("finish", Boolean, nullable=False),
    # The ask that the running job answers, null for trials that no scheduler asked for.
    Column("job", Integer),
    Column("told", Boolean, nullable=False, default=False),
    Column("epochs", Integer, nullable=False, default=0),
    Column("value", Float),
    Column("report", Float),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("memory", Integer, nullable=False, default=0),
    Column("curve", JSON, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("ended", Float),
)

attempts = Table(
    "attempts",
    metadata,
    Column("study", String(80), primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("label", String(200), nullable=False),
    Column("identity", Text, nullable=False, default=""),
    Column("state", String(20), nullable=False, index=True),
    # The number of the newest order that was given to it; 0 is its plan.
    Column("order", Integer, nullable=False, default=0),
    Column("from_epoch", Integer, nullable=False, default=0),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("code", Integer),
    Column("note", Text, nullable=False, default=""),
    UniqueConstraint("label"),
)
