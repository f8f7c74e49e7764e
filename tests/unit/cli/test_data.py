"""`shinsa data`: upstream files, each benchmark whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest
from shinsa_benchmarks.discovery import benchmarks, manifests, specimen_folder
from shinsa_benchmarks.manifest import Download
from unit.cli.program import Shinsa

BENCHMARKS = ("jnli", "mawps")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A folder of upstream files; the built-in specimens have the same format."""
    folder = tmp_path / "upstream"
    for name in BENCHMARKS:
        shutil.copytree(specimen_folder(name), folder / manifests()[name].source.folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("SHINSA_DATA", str(folder))
    return folder


def test_what_is_there_is_prepared_and_listed(shinsa: Shinsa, upstream: Path, data: Path) -> None:
    before = shinsa("data", "list", "--json").json
    assert {entry["benchmark"] for entry in before["benchmarks"]} >= set(BENCHMARKS)
    assert not any(entry["prepared"] for entry in before["benchmarks"])

    ended = shinsa("data", "prepare", "--from", str(upstream), "--json")
    assert ended.code == 0
    assert sorted(entry["benchmark"] for entry in ended.json["prepared"]) == sorted(BENCHMARKS)
    assert "jsquad" in ended.json["absent"]
    assert ended.json["failed"] == []

    listed = {entry["benchmark"]: entry["prepared"] for entry in shinsa("data", "list", "--json").json["benchmarks"]}
    assert listed["mawps"]["test"] > 0
    assert listed["jsquad"] is None
    table = shinsa("data", "list").out
    (line,) = [line for line in table.splitlines() if line.startswith("mawps")]
    assert listed["mawps"]["digest"][:12] in line


@pytest.mark.shared_data
def test_upstream_files_are_prepared_as_they_lie(shinsa: Shinsa, data: Path) -> None:
    upstream = os.environ.get("SHINSA_UPSTREAM_DATA")
    if not upstream:
        pytest.skip("SHINSA_UPSTREAM_DATA names no folder of upstream files")
    names = ("jcommonsenseqa", "jnli", "jsquad", "mawps", "mt_bench_ja", "jhumaneval", "mbpp")
    ended = shinsa("data", "prepare", "--from", upstream, *names, "--json")
    assert ended.code == 0, ended.err
    assert [entry["benchmark"] for entry in ended.json["prepared"]] == list(names)


def test_a_broken_line_is_named_and_nothing_of_its_benchmark_kept(shinsa: Shinsa, upstream: Path, data: Path) -> None:
    file = next((upstream / manifests()["jnli"].source.folder).rglob("valid*.json"))
    lines = file.read_text("utf-8").splitlines()
    lines[2] = lines[2][:-5]
    file.write_text("\n".join(lines), "utf-8")
    ended = shinsa("data", "prepare", "--from", str(upstream))
    assert ended.code == 2
    assert f"{file}:3: " in ended.err
    assert "expected" in ended.err
    prepared = {entry["benchmark"]: entry["prepared"] for entry in shinsa("data", "list", "--json").json["benchmarks"]}
    assert prepared["jnli"] is None
    assert prepared["mawps"] is not None
    assert not [path for path in data.rglob("*") if "jnli" in path.parts and path.is_file()]


def test_a_named_benchmark_must_be_there(shinsa: Shinsa, upstream: Path, data: Path) -> None:
    ended = shinsa("data", "prepare", "--from", str(upstream), "jsquad")
    assert ended.code == 2
    assert "jsquad" in ended.err
    assert "valid-v1.3.json" in ended.err


def test_an_unknown_benchmark_has_near_matches(shinsa: Shinsa, upstream: Path, data: Path) -> None:
    ended = shinsa("data", "prepare", "--from", str(upstream), "jnl")
    assert ended.code == 2
    assert "there is no benchmark 'jnl'" in ended.err
    assert "did you mean: jnli" in ended.err


class Upstream:
    """Serves archives of specimens as HOST/PATH, the way a mirror does; ``asked`` counts requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                upstream.asked[self.path] += 1
                content = upstream.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("content-length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def offer(self, name: str) -> list[str]:
        """Everything that a benchmark downloads, made of its specimen. The paths."""
        source = manifests()[name].source
        paths = []
        for one in source.downloads:
            path = one.url.removeprefix("https:/")
            self.files[path] = _packed(one, specimen_folder(name))
            paths.append(path)
        return paths


def _packed(download: Download, specimen: Path) -> bytes:
    """The specimen where the archive has the files: below a folder of the repository's, and beside other things."""
    if not download.url.endswith((".tar.gz", ".tar.bz2", ".tar", ".zip")):
        return (specimen / download.into).read_bytes()
    home = "/".join(["repository-0123"] * download.strip + [download.below] * bool(download.below))
    packed = io.BytesIO()
    if download.url.endswith(".zip"):
        with zipfile.ZipFile(packed, "w") as archive:
            for file in (path for path in specimen.rglob("*") if path.is_file()):
                archive.write(file, str(PurePosixPath(home, file.relative_to(specimen).as_posix())))
        return packed.getvalue()
    kind = {"gz": "w:gz", "bz2": "w:bz2", "tar": "w"}[download.url.rpartition(".")[2]]
    with tarfile.open(fileobj=packed, mode=kind) as archive_tar:  # type: ignore[call-overload]
        root = specimen / download.into
        for file in (path for path in root.rglob("*") if path.is_file()):
            archive_tar.add(file, str(PurePosixPath(home, file.relative_to(root).as_posix())))
        archive_tar.addfile(tarfile.TarInfo("repository-0123/unasked.bin"), io.BytesIO())
        archive_tar.addfile(tarfile.TarInfo("../../escaped.json"), io.BytesIO())
    return packed.getvalue()


@pytest.fixture
def mirror() -> Iterator[Upstream]:
    served = Upstream()
    yield served
    served.close()


DOWNLOADED = (
    "jnli",
    "jsquad",
    "mt_bench_ja",
    "humaneval",
    "mbpp",
    "alt_e_to_j",
    "mmlu",
    "xlsum_ja",
    "bfcl",
    "wiki_ner",
)


def test_what_may_be_downloaded_is_downloaded(shinsa: Shinsa, mirror: Upstream, data: Path) -> None:
    """Archives of every kind and single files, taken apart and recorded; a family that is shared is fetched once."""
    paths = {name: mirror.offer(name) for name in DOWNLOADED if name != "jsquad"}
    both = [_packed_family(mirror, ("jnli", "jsquad"))]
    ended = shinsa("data", "prepare", *DOWNLOADED, "--mirror", mirror.url, "--json")
    assert ended.code == 0, ended.err
    prepared = {entry["benchmark"]: entry for entry in ended.json["prepared"]}
    assert sorted(prepared) == sorted(DOWNLOADED)
    assert set(mirror.asked.values()) == {1}, "each address is asked once"
    assert mirror.asked[both[0]] == 1
    for name in DOWNLOADED:
        source = manifests()[name].source
        told = prepared[name]["downloads"]
        assert [one["url"] for one in told] == [one.url for one in source.downloads]
        contents = [mirror.files[one.url.removeprefix("https:/")] for one in source.downloads]
        assert [one["sha256"] for one in told] == [hashlib.sha256(content).hexdigest() for content in contents]
        assert [one["size"] for one in told] == [len(content) for content in contents]
        assert prepared[name]["digest"] == benchmarks()[name].load(specimen_folder(name)).digest
    assert len(paths) == len(DOWNLOADED) - 1
    assert not list(data.rglob("unasked.bin"))
    assert not list(data.parent.rglob("escaped.json"))
    listed = {entry["benchmark"]: entry["prepared"] for entry in shinsa("data", "list", "--json").json["benchmarks"]}
    assert listed["mmlu"]["downloads"] == prepared["mmlu"]["downloads"]


def _packed_family(mirror: Upstream, names: Iterable[str]) -> str:
    """One archive with the files of several benchmarks of one family; its path."""
    (download,) = manifests()[next(iter(names))].source.downloads
    path = download.url.removeprefix("https:/")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            root = specimen_folder(name)
            for file in (one for one in root.rglob("*") if one.is_file()):
                archive.add(file, f"repository/{file.relative_to(root).as_posix()}")
    mirror.files[path] = packed.getvalue()
    return path


def test_what_may_not_be_downloaded_says_how_to_get_it(shinsa: Shinsa, mirror: Upstream, data: Path) -> None:
    ended = shinsa("data", "prepare", "jbbq", "hle_ja", "--mirror", mirror.url, "--json")
    assert ended.code == 2
    assert {one["benchmark"]: one["obtain"] for one in ended.json["skipped"]} == {
        name: manifests()[name].source.obtain for name in ("jbbq", "hle_ja")
    }
    assert "ask its authors for the data" in ended.err
    assert not mirror.asked


def test_every_source_is_downloaded_or_says_how_to_get_it() -> None:
    for name, manifest in manifests().items():
        source = manifest.source
        assert source.downloads or source.obtain, name
        assert manifest.licence
        assert source.redistributable or not source.downloads or "NC" in source.licence, name


def test_what_cannot_be_fetched_is_named_and_the_rest_is_prepared(shinsa: Shinsa, mirror: Upstream, data: Path) -> None:
    mirror.offer("janli")
    (broken,) = mirror.offer("jsick")
    mirror.files[broken] = b"no archive"
    ended = shinsa("data", "prepare", "janli", "jsick", "jamp", "--mirror", mirror.url, "--json")
    assert ended.code == 1
    assert [entry["benchmark"] for entry in ended.json["prepared"]] == ["janli"]
    failed = {entry["benchmark"]: entry["problem"] for entry in ended.json["failed"]}
    assert "the server answered 404" in failed["jamp"]
    assert "temporalNLI_dataset" in failed["jamp"]
    assert "a readable archive expected" in failed["jsick"]
    assert "--from DIR" in ended.err
    assert not [path for path in data.rglob("*") if "jsick" in path.parts and path.is_file()]


def test_without_a_network_it_says_what_to_do(shinsa: Shinsa, data: Path) -> None:
    ended = shinsa("data", "prepare", "jnli", "--mirror", "http://127.0.0.1:9")
    assert ended.code == 1
    assert manifests()["jnli"].source.downloads[0].url in ended.err
    assert "--from DIR" in ended.err
    assert ended.out == ""
    both = shinsa("data", "prepare", "--from", str(data.parent), "--mirror", "http://127.0.0.1:9")
    assert (both.code, "--mirror" in both.err) == (2, True)


def test_a_folder_with_nothing_in_it_is_an_error(shinsa: Shinsa, tmp_path: Path, data: Path) -> None:
    assert shinsa("data", "prepare", "--from", str(tmp_path / "nowhere")).code == 2
    (tmp_path / "empty").mkdir()
    ended = shinsa("data", "prepare", "--from", str(tmp_path / "empty"))
    assert ended.code == 2
    assert "holds the files of no benchmark" in ended.err


def test_a_changed_prepared_record_is_not_silently_a_specimen(shinsa: Shinsa, upstream: Path, data: Path) -> None:
    assert shinsa("data", "prepare", "--from", str(upstream), "jnli").code == 0
    record = data / "jnli" / "prepared.json"
    record.write_text(json.dumps({"benchmark": "jnli"}))
    ended = shinsa("data", "list")
    assert ended.code == 2
    assert str(record) in ended.err


@pytest.mark.parametrize(
    "words",
    [("up", "--port", "0"), ("prompts", "jnli", "--out", "p"), ("score", "jnli", "--responses", "r")],
    ids=lambda words: words[0],
)
def test_a_folder_that_was_named_and_is_not_there_is_refused(
    shinsa: Shinsa, data: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = shinsa(*words)
    assert (ended.code, f"there is no folder {data}" in ended.err) == (2, True)
    assert "SHINSA_DATA" in ended.err
    assert "shinsa data prepare --data" in ended.err
    assert not (tmp_path / "state" / "mesh.json").exists()


def test_data_of_the_option_is_refused_by_the_name_of_the_option(shinsa: Shinsa, tmp_path: Path) -> None:
    ended = shinsa("up", "--port", "0", "--data", str(tmp_path / "none"))
    assert (ended.code, "field: --data" in ended.err) == (2, True)


def test_answers_are_scored_on_what_the_mesh_of_the_option_has_prepared(
    shinsa: Shinsa, upstream: Path, tmp_path: Path
) -> None:
    state = tmp_path / "other"
    assert shinsa("data", "prepare", "--from", str(upstream), "mawps", "--state", str(state)).code == 0
    (tmp_path / "r.jsonl").write_text("")
    words = ("score", "mawps", "--responses", str(tmp_path / "r.jsonl"), "--allow-missing", "--json")
    assert shinsa(*words).json["dataset"]["origin"] == "specimen"
    assert shinsa(*words, "--state", str(state)).json["dataset"]["origin"] == "prepared"


@pytest.mark.parametrize("words", [("data", "list"), ("prompts", "jnli", "--out", "p.jsonl")])
def test_a_broken_manifest_is_the_readers_to_mend_and_no_fault_of_the_program(
    shinsa: Shinsa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.toml").write_text("version = 1\n")
    monkeypatch.setattr("shinsa_benchmarks.discovery._CATALOG", tmp_path)
    manifests.cache_clear()
    try:
        ended = shinsa(*words)
    finally:
        manifests.cache_clear()
    assert ended.code == 2
    assert "mine/manifest.toml: id: is missing; version: should be a valid string" in ended.err
    assert "CONTRIBUTING.md" in ended.err
    assert "unforeseen" not in ended.err
