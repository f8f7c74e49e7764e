"""Models of this replica from a TOML file: ``[[model]]`` tables with the fields of ``shinsa.inference.v1.ModelEntry``.

``[model.labels]`` may be a plain table. Whoever speaks last of a name, this file or the orchestrator, is heard.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from shinsa.inference.v1 import model_pb2
from shinsa_chassis.errors import Reason, ShinsaError

from shinsa_inference.domain.model import ModelEntry
from shinsa_inference.inbound.model_wire import to_entry


def read_models(path: Path) -> list[ModelEntry]:
    """All entries. Raises FAILED_PRECONDITION that names file, entry and field."""
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _refused(path, str(error)) from error
    unknown = sorted(set(document) - {"model"})
    if unknown:
        raise _refused(path, f"unknown key {unknown[0]!r}; entries are [[model]] tables")
    tables = document.get("model", [])
    if not isinstance(tables, list):
        raise _refused(path, "[model] stands alone; entries are [[model]] tables")
    return [_entry(path, number, table) for number, table in enumerate(tables, start=1)]


def _entry(path: Path, number: int, table: dict[str, Any]) -> ModelEntry:
    where = f"model {table.get('name') or f'number {number}'}"
    labels = table.get("labels")
    if isinstance(labels, dict):
        table = {**table, "labels": [{"key": key, "value": str(value)} for key, value in labels.items()]}
    try:
        _check_keys(model_pb2.ModelEntry.DESCRIPTOR, table, "")
        return to_entry(ParseDict(table, model_pb2.ModelEntry()))
    except (ParseError, ShinsaError) as error:
        raise _refused(path, f"{where}: {error}") from error


def _check_keys(kind: Descriptor, table: object, prefix: str) -> None:
    if not isinstance(table, dict):
        return
    for key, value in table.items():
        field = kind.fields_by_name.get(key)
        if field is None:
            near = get_close_matches(key, kind.fields_by_name, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(kind.fields_by_name)}"
            raise ShinsaError(Reason.INVALID_ARGUMENT, f"unknown key {prefix}{key}; {hint}")
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type is not None:
            for inner in value if isinstance(value, list) else [value]:
                _check_keys(field.message_type, inner, f"{prefix}{key}.")


def _refused(path: Path, what: str) -> ShinsaError:
    return ShinsaError(Reason.FAILED_PRECONDITION, f"{path}: {what}", field="models_file")
