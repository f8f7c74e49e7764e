"""Tables of the results store: models, runs, shards, scores, references. Times are seconds since the epoch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()

models = Table(
    "models",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("engine", String(32), nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("card", Text),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("idempotency_key", String(256), unique=True),
    Column("model", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("round", Integer, nullable=False),
    Column("adopts", String(32), nullable=False),
    Column("problem", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("plan", Text, nullable=False),
    # Set when the run has ended; until then the sum over its shards holds.
    Column("progress", Text),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    # The number of the change with which its scores were stored.
    Column("scored_change", BigInteger, nullable=False, server_default="0"),
    # JSON: what measured it, with its version.
    Column("versions", Text),
    # Since then the sample log holds outcomes and totals of it, nothing else.
    Column("samples_forgotten_at", Double),
    Index("runs_by_model", "model", "id"),
    Index("runs_by_state", "state", "id"),
    # Webhooks ask every few seconds what has happened since.
    Index("runs_by_creation", "created_at"),
    Index("runs_by_start", "started_at"),
    Index("runs_by_end", "finished_at"),
)

shards = Table(
    "shards",
    metadata,
    Column("run_id", String(32), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("done", Boolean, nullable=False),
    # Empty: nobody's.
    Column("owner", String(256), nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("progress", Text, nullable=False),
    # Nothing is left to do before the run is resumed.
    Column("parked", Boolean, nullable=False, server_default=false()),
)

scores = Table(
    "scores",
    metadata,
    Column("run_id", String(32), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("benchmark", String(128), nullable=False),
    Column("shots", Integer, nullable=False),
    Column("metric", Text, nullable=False),
    Column("primary", Boolean, nullable=False),
    Column("value", Double),
    Column("stderr", Double),
    Column("low", Double),
    Column("high", Double),
    Column("scored", BigInteger, nullable=False),
    Column("model_errors", BigInteger, nullable=False),
    Column("infra_errors", BigInteger, nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("worst_case", Double),
    Column("best_case", Double),
    Column("scale", String(32), nullable=False),
)

reference_tables = Table(
    "reference_tables",
    metadata,
    Column("board", String(128), primary_key=True),
    Column("source", String(128), primary_key=True),
    Column("version", String(128), primary_key=True),
    Column("format", String(32), nullable=False),
    # Of the rows as they were read.
    Column("digest", String(64), nullable=False),
    Column("imported_at", Double, nullable=False),
    Column("note", Text, nullable=False),
)

reference_rows = Table(
    "reference_rows",
    metadata,
    Column("board", String(128), primary_key=True),
    Column("source", String(128), primary_key=True),
    Column("version", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("shots", Integer),
    Column("document", Text, nullable=False),
    ForeignKeyConstraint(
        ["board", "source", "version"],
        ["reference_tables.board", "reference_tables.source", "reference_tables.version"],
        ondelete="CASCADE",
    ),
)

# Model entries and judge profiles as they were when runs were planned, each once.
definitions = Table(
    "definitions",
    metadata,
    Column("digest", String(32), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

# One row, "boards": its number grows with everything that a board may show.
changes = Table(
    "changes",
    metadata,
    Column("of", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
