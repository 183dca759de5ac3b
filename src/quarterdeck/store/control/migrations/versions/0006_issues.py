"""Issues of errors, the groups of events that they are made of, and their history."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    op.create_table(
        "issues",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("culprit", sa.String(length=500), nullable=False),
        sa.Column("type", sa.String(length=200), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_at", sa.BigInteger(), nullable=False),
        sa.Column("after_release", sa.String(length=200), nullable=False),
        sa.Column("ignored_until", sa.BigInteger()),
        sa.Column("assignee", sa.String(length=320), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("first_release", sa.String(length=200), nullable=False),
        sa.Column("regressions", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
    )
    op.create_index("ix_issues_number", "issues", ["project_id", "number"], unique=True)
    op.create_index("ix_issues_status", "issues", ["project_id", "status"])
    op.create_table(
        "issue_groups",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issue_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "group_id", name=op.f("pk_issue_groups")),
    )
    op.create_index("ix_issue_groups_issue", "issue_groups", ["issue_id"])
    op.create_table(
        "issue_history",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(length=320), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_history")),
    )
    op.create_index("ix_issue_history_issue", "issue_history", ["issue_id", "at"])
