"""Why steps were asked or delivered more than once."""

import sqlalchemy as sa
from alembic import op

revision = "sample_log_0004"
down_revision = "sample_log_0003"


def upgrade() -> None:
    op.create_table(
        "repeats",
        sa.Column("step_id", sa.String(32), primary_key=True),
        sa.Column("attempt", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
    )
    op.create_index("repeats_of_run", "repeats", ["run_id"])


def downgrade() -> None:
    op.drop_table("repeats")
