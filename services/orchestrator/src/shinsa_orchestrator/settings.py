"""What the orchestrator is told from outside: ``SHINSA_ORCHESTRATOR_*``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from shinsa_chassis.settings import ServiceSettings, service_config


class OrchestratorSettings(ServiceSettings):
    """Settings of this service."""

    model_config = service_config("orchestrator")

    grpc_port: int = Field(default=50050, description="port of the gRPC door; 0 takes a free one")
    state_dir: Path = Field(default=Path("state"), description="folder of the SQLite files, if no other store is named")
    results_url: str = Field(
        default="", description="SQLAlchemy URL of the results store; empty: sqlite+aiosqlite in state_dir"
    )
    sample_log_url: str = Field(
        default="", description="SQLAlchemy URL of the sample log; empty: sqlite+aiosqlite in state_dir"
    )
    data_dir: Path | None = Field(default=None, description="folder of prepared benchmark data; none: specimens only")
    boards_dir: Path | None = Field(default=None, description="folder of further boards, ID.toml, beside ours")
    judge_address: str = Field(default="127.0.0.1:50053", description="host:port of the judge service")
    sandbox_address: str = Field(default="127.0.0.1:50052", description="host:port of the sandbox service")
    directory_seconds: float = Field(default=10, gt=0, description="longest wait for an answer of judge or sandbox")
    window: int = Field(default=256, ge=1, description="items of a run that are being generated at once")
    items_per_shard: int = Field(default=2000, ge=1, description="items that one replica takes at a time")
    lease_seconds: float = Field(default=10, gt=0, description="silence after which a replica's shards are taken over")
    step_patience_seconds: float = Field(
        default=1800, gt=0, description="wait for a result in a queue that does not move, until the step is asked again"
    )
    infra_error_threshold: float = Field(
        default=0, ge=0, le=1, description="share of items that may end in an infra error in a complete run"
    )
    hub_url: str = Field(
        default="https://huggingface.co", description="hub on which submitted models are looked up; `none`: nowhere"
    )
    hub_token: SecretStr | None = Field(default=None, description="token of the hub, for private and gated models")
    hub_dir: Path | None = Field(
        default=None, description="folder with organisation/model folders; looked into before the hub"
    )
    hub_seconds: float = Field(default=10, gt=0, description="longest wait for an answer of the hub")
    submission_suite: str = Field(default="open-ja", description="suite that a submission is examined on by default")
    submission_largest_b: float = Field(default=70, gt=0, description="largest model taken, in billions of parameters")
    submission_approval: Literal["none", "unchecked", "all"] = Field(
        default="unchecked",
        description="which submissions wait for an operator: none, those with a check that could not be made, or all",
    )
    submissions_at_once: int = Field(default=1, ge=0, description="submissions that run at once; 0 holds the queue")
    submissions_pending: int = Field(default=5, ge=0, description="waiting submissions of one submitter; 0: no limit")
    submissions_per_day: int = Field(default=20, ge=0, description="submissions of one submitter in a day; 0: no limit")
    submission_poll_seconds: float = Field(default=2, gt=0, description="how often the queue is looked at")
    webhook_poll_seconds: float = Field(default=2, gt=0, description="how often webhooks are looked after")
    webhook_seconds: float = Field(default=10, gt=0, description="longest wait for the receiver of a webhook")
    webhook_private: bool = Field(default=False, description="whether webhooks may go to addresses of private networks")
    sample_days: float = Field(
        default=0, ge=0, description="days that prompts, replies and evidence of a run are kept after its end; 0: all"
    )
    submission_max_model_len: int = Field(default=0, ge=0, description="context of submitted models; 0: their own")

    @field_validator("hub_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if url != "none" and not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no address of a hub; write http(s)://host, or none")
        return url

    @property
    def results_store(self) -> str:
        return self.results_url or f"sqlite+aiosqlite:///{self.state_dir / 'results.sqlite3'}"

    @property
    def sample_log_store(self) -> str:
        return self.sample_log_url or f"sqlite+aiosqlite:///{self.state_dir / 'sample_log.sqlite3'}"
