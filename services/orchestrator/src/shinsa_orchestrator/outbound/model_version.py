"""By which version a model is asked."""

from __future__ import annotations

from hashlib import blake2b

from shinsa.inference.v1 import model_pb2

# What of an engine has no bearing on what it answers; the inference service knows the same of its settings.
WITHOUT_BEARING = (
    "api_key_env",
    "timeout_seconds",
    "silence_seconds",
    "requests_per_minute",
    "tokens_per_minute",
    "latency_seconds",
)


def version_of(entry: model_pb2.ModelEntry) -> str:
    """32 hexadecimal digits over the engine and the sampling; entries that answer alike may differ otherwise."""
    bearing = model_pb2.ModelEntry()
    if entry.HasField("sampling"):
        bearing.sampling.CopyFrom(entry.sampling)
    kind = entry.WhichOneof("engine")
    if kind is not None:
        engine = getattr(bearing, kind)
        engine.CopyFrom(getattr(entry, kind))
        for name in WITHOUT_BEARING:
            if name in engine.DESCRIPTOR.fields_by_name:
                engine.ClearField(name)
    return blake2b(bearing.SerializeToString(deterministic=True), digest_size=16).hexdigest()
