"""Who judges: profiles, rubrics, and the roles that they fill."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from shinsa_gateway.domain.resource import Resource


class Profile(Resource):
    """A configured judge."""

    name: str
    kind: str = Field(description="`openai`, `azure`, `inference`, `panel`, `scorer` or `scripted`.")
    model: str
    digest: str = Field(description="Digest of everything in the profile that bears on verdicts.")
    available: bool
    problem: str = Field(default="", description="Why it is not available.")
    members: tuple[str, ...] = Field(default=(), description="Of a panel: its members' names.")
    currency: str = Field(
        default="",
        description="Of what a verdict costs (ISO 4217); empty where no common price is named.",
    )


class Rubric(Resource):
    """What a judge can be asked."""

    id: str
    digest: str
    description: str
    fields: tuple[str, ...] = Field(description="The names that a case must fill.")
    optional_fields: tuple[str, ...] = Field(default=(), description="The names that a case may leave out.")
    lowest: float
    highest: float
    findings: tuple[str, ...] = Field(default=(), description="Names of a verdict's findings.")
    both_orders: bool = Field(default=False, description="A pair: judged in both orders.")


class RoleDefault(Resource):
    """Which profile serves a role when a run names none."""

    role: str
    profile: str


class JudgeCatalog(Resource):
    """Judges, rubrics and the roles they fill by default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "profiles": [
                        {
                            "name": "gpt-4o",
                            "kind": "openai",
                            "model": "gpt-4o-2024-11-20",
                            "digest": "3b1f0c52",
                            "available": False,
                            "problem": "OPENAI_API_KEY is not set",
                            "members": [],
                            "currency": "USD",
                        }
                    ],
                    "rubrics": [
                        {
                            "id": "mt_bench_single",
                            "digest": "77aa01de",
                            "description": "One answer, graded from 1 to 10.",
                            "fields": ["question", "answer"],
                            "optional_fields": [],
                            "lowest": 1,
                            "highest": 10,
                            "findings": ["rating"],
                            "both_orders": False,
                        }
                    ],
                    "roles": [{"role": "mt_bench", "profile": "gpt-4o"}],
                }
            ]
        }
    )

    profiles: tuple[Profile, ...]
    rubrics: tuple[Rubric, ...]
    roles: tuple[RoleDefault, ...]
