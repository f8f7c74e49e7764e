"""Tables of the sample log: items with outcomes, steps with requests and results, and why steps were asked or delivered
more than once. Times are seconds since the epoch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData()
ASKABLE = text("question <> ''")

items = Table(
    "items",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("benchmark", String(128), nullable=False),
    Column("shots", Integer, nullable=False),
    Column("repetition", Integer, nullable=False),
    Column("sample_id", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("gold", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("wrong", Boolean, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("finished_at", Double, nullable=False),
    Index("items_of_run", "run_id", "position"),
    Index("items_of_shard", "run_id", "shard"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("item_id", String(32), nullable=False),
    Column("round", Integer, nullable=False),
    # Empty, and no request, while only the result is known (see StepRecord).
    Column("kind", String(16), nullable=False),
    Column("request", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("finished_at", Double, nullable=False),
    Column("adopted", Boolean, nullable=False),
    # Of verdicts whose price is known; the currency is empty where it is not.
    Column("cost", Double),
    Column("currency", String(8), nullable=False, server_default=""),
    Column("disagreed", Boolean, nullable=False, server_default=false()),
    Column("unreadable", Boolean, nullable=False, server_default=false()),
    # Of completions; null and empty where they were recorded before this was noted.
    Column("reasoning_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cached_tokens", BigInteger, nullable=False, server_default="0"),
    Column("latency", Double),
    Column("finish", Text, nullable=False, server_default=""),
    Column("engine", String(32), nullable=False, server_default=""),
    Column("greedy", Boolean, nullable=False, server_default=false()),
    Column("reused_from", String(32), nullable=False, server_default=""),
    # Empty where no other run may take it over.
    Column("question", String(32), nullable=False, server_default=""),
    Index("steps_of_item", "run_id", "shard", "item_id"),
    Index("steps_of_question", "question", sqlite_where=ASKABLE, postgresql_where=ASKABLE),
)

repeats = Table(
    "repeats",
    metadata,
    Column("step_id", String(32), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    # See Repeat.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(32), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Index("repeats_of_run", "run_id"),
)
