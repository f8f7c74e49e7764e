"""What the models and judges of runs were."""

import sqlalchemy as sa
from alembic import op

revision = "results_0008"
down_revision = "results_0007"


def upgrade() -> None:
    op.create_table(
        "definitions",
        sa.Column("digest", sa.String(32), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("definitions")
