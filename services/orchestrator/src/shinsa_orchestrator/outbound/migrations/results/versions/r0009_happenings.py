"""What happened lately is found without reading every run and submission."""

from alembic import op

revision = "results_0009"
down_revision = "results_0008"

_INDEXES = [
    ("runs_by_creation", "runs", "created_at"),
    ("runs_by_start", "runs", "started_at"),
    ("runs_by_end", "runs", "finished_at"),
    ("submission_events_by_time", "submission_events", "at"),
]


def upgrade() -> None:
    for name, table, column in _INDEXES:
        op.create_index(name, table, [column])


def downgrade() -> None:
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
