"""Tables of the results store: submissions, their votes and histories. Times are seconds since the epoch."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from shinsa_orchestrator.outbound.results_tables import metadata

submissions = Table(
    "submissions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("submitter", String(256), nullable=False),
    Column("model", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("votes", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Digest of what it examines while it is open or finished; null afterwards, so that another may take its place.
    Column("examines", String(64), unique=True),
    Column("run_id", String(32), nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Index("submissions_by_state", "state", "id"),
    Index("submissions_by_submitter", "submitter", "id"),
)

submission_votes = Table(
    "submission_votes",
    metadata,
    Column("submission_id", String(32), ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True),
    Column("voter", String(256), primary_key=True),
    Column("at", Double, nullable=False),
)

submission_events = Table(
    "submission_events",
    metadata,
    Column("submission_id", String(32), ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("actor", String(256), nullable=False),
    Column("action", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Index("submission_events_by_time", "at"),
)
