"""What a worker's message says of a step, as it is recorded."""

from __future__ import annotations

from hashlib import blake2b

from shinsa.failure.v1 import failure_pb2
from shinsa.inference.v1 import completion_pb2, inference_service_pb2
from shinsa.judge.v1 import verdict_pb2
from shinsa.sandbox.v1 import execution_pb2
from shinsa.step.v1 import step_pb2
from shinsa_chassis.errors import Reason
from shinsa_chassis.failure import from_failure, reason_number, reason_of
from shinsa_chassis.logging import get_logger
from shinsa_chassis.result_inbox import ReceivedResult

from shinsa_orchestrator.domain.repeat import RepeatCause
from shinsa_orchestrator.domain.step import StepResult
from shinsa_orchestrator.outbound.result_check import MOST_COUNT, content_problem

# The service that answers each kind of step.
SERVICES = {"generate": "inference", "execute": "sandbox", "judge": "judge"}
_KINDS = {service: kind for kind, service in SERVICES.items()}
_FINISHES = {
    number: name.removeprefix("FINISH_REASON_").lower() for name, number in completion_pb2.FinishReason.items()
}

log = get_logger(__name__)


def nobodys(received: ReceivedResult) -> StepResult:
    """Without an identity it is acknowledged and forgotten."""
    return StepResult("", "", 0, b"", receipt=received)


def handed_back(word: step_pb2.HandBack, received: ReceivedResult) -> StepResult:
    """Why a worker gave a task back."""
    attempt, deliveries = min(word.attempt, MOST_COUNT), min(word.deliveries, MOST_COUNT)
    said = StepResult(word.step_id, word.item_id, attempt, b"", deliveries=deliveries, receipt=received)
    said.handed_back = RepeatCause.DRAINED
    if not word.stopping:
        said.handed_back, said.reason = RepeatCause.RETRIED, reason_of(word.reason).value
    return said


def step_result(received: ReceivedResult) -> StepResult:
    """What a result says; one that cannot be recorded or reckoned with is a failure of its step."""
    message = received.result
    kind = message.WhichOneof("outcome")
    sender = _KINDS.get(received.sender, "")
    if sender and kind in SERVICES and kind != sender:
        log.warning("result_refused", step_id=message.step_id, kind=kind, sender=received.sender)
        return nobodys(received)
    if problem := content_problem(message):
        return _refused(received, problem, sender)
    result = StepResult(
        step_id=message.step_id,
        item_id=message.item_id,
        attempt=message.attempt,
        body=b"",
        worker=message.worker,
        deliveries=message.deliveries,
        started_at=message.started_at.seconds + message.started_at.nanos * 1e-9,
        finished_at=message.finished_at.seconds + message.finished_at.nanos * 1e-9,
        receipt=received,
        sender=sender,
        version=message.version,
        judge_models={one.model: one.version for one in message.judge_models},
    )
    if kind in SERVICES:
        result.kind = kind or ""
    if kind == "generate":
        generated(result, message.generate)
    elif kind == "execute":
        _executed(result, message)
    elif kind == "judge":
        _judged(result, message)
    elif kind == "failure":
        _failed(result, message.failure)
    else:
        _failed(result, _malformed("the worker's result is empty"))
    return result


def _refused(received: ReceivedResult, problem: str, sender: str) -> StepResult:
    message = received.result
    log.warning("result_refused", step_id=message.step_id, sender=received.sender, problem=problem)
    attempt = min(message.attempt, MOST_COUNT)
    result = StepResult(message.step_id, message.item_id, attempt, b"", receipt=received, sender=sender)
    result.worker = message.worker
    _failed(result, _malformed(f"the worker's result cannot be used: {problem}"))
    return result


def generated(result: StepResult, response: inference_service_pb2.GenerateResponse) -> None:
    """Fills in what came of a completion."""
    completion = response.completion
    if not completion.choices:
        _failed(result, _malformed("the completion has no choices"))
        return
    usage = completion.usage
    result.body = response.SerializeToString()
    result.prompt_tokens = usage.prompt_tokens
    result.completion_tokens = usage.completion_tokens
    result.reasoning_tokens = usage.reasoning_tokens
    result.cached_tokens = usage.cached_tokens
    result.latency = completion.latency_seconds
    result.finish = ",".join([_FINISHES.get(choice.finish_reason, "unspecified") for choice in completion.choices])
    result.origin = fingerprint(completion.fingerprint)
    result.engine = engine_digest(completion.fingerprint)
    result.greedy = completion.greedy
    if completion.HasField("cost"):
        result.cost, result.currency = completion.cost.amount, completion.cost.currency


def engine_digest(engine: completion_pb2.EngineFingerprint) -> str:
    """32 hexadecimal digits over all that is known of it; empty where it does not tell its settings."""
    if not engine.settings_digest:
        return ""
    return blake2b(engine.SerializeToString(deterministic=True), digest_size=16).hexdigest()


def _executed(result: StepResult, message: step_pb2.Result) -> None:
    execution = message.execute.execution
    if execution.verdict == execution_pb2.VERDICT_UNSPECIFIED:
        _failed(result, _malformed("the execution has no verdict"))
        return
    result.body = message.execute.SerializeToString()
    result.origin = f"{execution.executor} tier {execution.tier or '?'}"


def _judged(result: StepResult, message: step_pb2.Result) -> None:
    verdict = message.judge.verdict
    result.body = message.judge.SerializeToString()
    result.prompt_tokens = verdict.usage.prompt_tokens
    result.completion_tokens = verdict.usage.completion_tokens
    result.origin = identity(verdict.judge)
    result.disagreed = _disagreed(verdict)
    result.unreadable = not verdict.readable
    if verdict.HasField("cost"):
        result.cost, result.currency = verdict.cost.amount, verdict.cost.currency


def _disagreed(verdict: verdict_pb2.Verdict) -> bool:
    """Whether judges, repeats or orders found differently, at any depth."""
    apart = verdict.HasField("spread") and verdict.spread.agreement < 1
    return apart or any(_disagreed(member.verdict) for member in verdict.members)


def _failed(result: StepResult, failure: failure_pb2.Failure) -> None:
    error = from_failure(failure)
    result.failed = True
    result.kind = ""
    result.body = failure.SerializeToString()
    result.reason = error.reason.value
    result.message = error.message


def _malformed(problem: str) -> failure_pb2.Failure:
    return failure_pb2.Failure(
        reason=reason_number(Reason.UPSTREAM_MALFORMED),
        message=problem,
        origin="orchestrator",
    )


def fingerprint(engine: completion_pb2.EngineFingerprint) -> str:
    """One line such as ``vllm 0.32.0 SmolLM2@93efa2f float32``."""
    model = f"{engine.model}@{engine.revision}" if engine.revision else engine.model
    parts = (engine.engine, engine.engine_version, model, engine.dtype, engine.reported)
    return " ".join([part for part in parts if part])


def identity(judge: verdict_pb2.JudgeIdentity) -> str:
    """One line such as ``gpt profile 1f0c… rubric 77ab… openai gpt-4o``."""
    parts = (
        judge.profile,
        f"profile {judge.profile_digest[:12]}" if judge.profile_digest else "",
        f"rubric {judge.rubric_digest[:12]}" if judge.rubric_digest else "",
        fingerprint(judge.fingerprint),
    )
    return " ".join(part for part in parts if part)
