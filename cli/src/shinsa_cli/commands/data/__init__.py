"""`shinsa data`: upstream files of benchmarks, validated and kept where the orchestrator reads them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shinsa_cli.commands.options import JsonOption, StateOption
from shinsa_cli.problem import Problem, bad_input

if TYPE_CHECKING:
    from rich.table import Table
    from shinsa_benchmarks.manifest import Manifest
    from shinsa_benchmarks.sources.prepared import Prepared

    from shinsa_cli.commands.data.preparation import Preparation

app = typer.Typer(no_args_is_help=True, help="Data: upstream files of benchmarks, validated and kept.")

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Where prepared data lies. Default: $SHINSA_DATA, else what the running mesh uses, else STATE/data.",
        show_default=False,
    ),
]


@app.command("list")
def list_data(data: DataOption = None, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Lists benchmarks and whether their real data is prepared, or only the built-in specimen is there."""
    from shinsa_benchmarks.benchmark import DatasetError
    from shinsa_benchmarks.discovery import manifests
    from shinsa_benchmarks.sources.prepared import listing

    from shinsa_cli.render.console import err, out, print_json

    folder = data_folder(data, state)
    try:
        prepared = {entry.benchmark: entry for entry in listing(folder)}
    except DatasetError as error:
        raise bad_input(str(error), remedy="prepare that benchmark again") from error
    if as_json:
        print_json({"data_dir": str(folder), "benchmarks": [_entry(one, prepared) for one in manifests().values()]})
    else:
        out().print(_data_table(manifests(), prepared))
        told = f"prepared data lies in {folder}" if folder.is_dir() else f"there is no folder {folder} yet"
        err().print(told, style="dim", soft_wrap=True)


@app.command("prepare")
def prepare_data(
    benchmarks: Annotated[
        list[str] | None, typer.Argument(metavar="[BENCHMARK]...", help="Which; none: all.", show_default=False)
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Folder that holds the upstream files.", show_default=False),
    ] = None,
    mirror: Annotated[
        str,
        typer.Option(
            "--mirror", metavar="URL", help="Fetch URL/HOST/PATH in place of https://HOST/PATH.", show_default=False
        ),
    ] = "",
    data: DataOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Downloads upstream files, or takes them from a folder, and keeps them where the orchestrator reads them.

    A benchmark is validated and kept whole or not at all. What may not be downloaded is passed over, and how to get it
    is said. Every file is recorded with its digest.
    """
    from shinsa_cli.commands.data.preparation import REMEDY, Preparation

    chosen = _chosen(benchmarks or ())
    if source is not None and not source.is_dir():
        raise bad_input(f"{source} is no folder", field="--from", remedy=REMEDY)
    if source is not None and mirror:
        raise bad_input("--from and --mirror are both given", field="--mirror", remedy="give one of them")
    made = Preparation(data_folder(data, state), str(source or "what may be downloaded"), named=bool(benchmarks))
    if source is not None:
        _prepare_from(made, chosen, source)
    else:
        _prepare_downloads(made, chosen, mirror)
    made.tell(as_json=as_json)


def data_folder(option: Path | None, state: Path | None) -> Path:
    """The option, else ``$SHINSA_DATA``, else what the running mesh of the state directory uses, else its ``data``."""
    from shinsa_cli.mesh.processes import is_same_process
    from shinsa_cli.mesh.state import StateDir

    named = option or (Path(os.environ["SHINSA_DATA"]) if os.environ.get("SHINSA_DATA") else None)
    if named is not None:
        return named.expanduser().absolute()
    place = StateDir.chosen(state)
    record = place.read()
    running = record is not None and is_same_process(record.supervisor_pid, record.supervisor_ticks)
    return Path(record.data_dir) if record is not None and running else place.data


def data_to_read(option: Path | None, state: Path | None) -> Path:
    """As ``data_folder``. A folder that somebody has named and that is not there is refused: one that nobody has named
    holds nothing yet."""
    folder = data_folder(option, state)
    field = "--data" if option else "SHINSA_DATA" if os.environ.get("SHINSA_DATA") else ""
    if field and not folder.is_dir():
        remedy = f"name the folder that holds prepared data, or fill it: shinsa data prepare --data {folder}"
        raise bad_input(f"there is no folder {folder}", field=field, remedy=remedy)
    return folder


def broken_file(error: Exception) -> Problem | None:
    """What is to be said where an error is about a file of the catalog, such as a manifest."""
    from shinsa_benchmarks.documents import DocumentError

    remedy = "mend the file; CONTRIBUTING.md shows a whole benchmark"
    return bad_input(str(error), remedy=remedy) if isinstance(error, DocumentError) else None


def _chosen(names: Sequence[str]) -> list[str]:
    from shinsa_benchmarks.discovery import manifests

    known = list(manifests())
    for name in names:
        if name not in known:
            raise bad_input(
                f"there is no benchmark {name!r}",
                field="BENCHMARK",
                near_matches=get_close_matches(name, known),
                remedy="`shinsa data list` shows all",
            )
    return list(dict.fromkeys(names)) or known


def _prepare_from(made: Preparation, names: Sequence[str], source: Path) -> None:
    from shinsa_benchmarks.discovery import manifests

    for name in names:
        if not made.named and not _holds_any(source, manifests()[name]):
            made.absent.append(name)
        else:
            made.prepare(name, source)


def _prepare_downloads(made: Preparation, names: Sequence[str], mirror: str) -> None:
    from shinsa_benchmarks.discovery import manifests

    from shinsa_cli.commands.data.downloads import Fetcher

    with tempfile.TemporaryDirectory(prefix="shinsa-data-") as scratch:
        (Path(scratch) / "fetched").mkdir()
        fetcher = Fetcher(Path(scratch) / "fetched", mirror)
        for name in names:
            source = manifests()[name].source
            if source.downloads:
                made.download(name, fetcher, Path(scratch) / "upstream")
            else:
                made.skipped[name] = source.obtain


def _holds_any(upstream: Path, manifest: Manifest) -> bool:
    """Families share folders, so that only its files tell whether a benchmark is there."""
    folder = upstream / manifest.source.folder
    candidates = (candidate for files in manifest.source.files.values() for candidate in files)
    return any(path.is_file() for candidate in candidates for path in folder.glob(candidate))


def _entry(manifest: Manifest, prepared: Mapping[str, Prepared]) -> dict[str, object]:
    entry = prepared.get(manifest.id)
    return {
        "benchmark": manifest.id,
        "title": manifest.title,
        "prepared": asdict(entry) if entry else None,
        "source": manifest.source.model_dump(mode="json"),
    }


def _data_table(known: Mapping[str, Manifest], prepared: Mapping[str, Prepared]) -> Table:
    from rich.text import Text

    from shinsa_cli.render.listing import listing

    table = listing(
        "!benchmark", "!data", ">samples", ">for few-shots", ">for development", "!digest", "source", "licence"
    )
    for manifest in known.values():
        entry = prepared.get(manifest.id)
        if entry is None:
            row: list[Text | str] = [Text("specimen", "yellow"), "", "", "", ""]
        else:
            row = [Text("prepared", "green"), str(entry.test), str(entry.train), str(entry.dev), entry.digest[:12]]
        table.add_row(manifest.id, *row, manifest.source.url or manifest.source.name, manifest.source.licence)
    return table
