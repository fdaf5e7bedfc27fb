"""The tables. The states in them are the enums of ``model.states``; their transitions stand there."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
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

pushes = Table(
    "pushes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", ForeignKey("studies.id"), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("created", Float, nullable=False),
    Column("ended", Float),
    Column("reason", Text, nullable=False, default=""),
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
