"""The site: built strictly, whole, true to its sources, and without any other host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from documentation.documents import ROOT, documents
from shinsa_benchmarks.discovery import manifests

pytestmark = pytest.mark.timeout(600)

# What a browser fetches by itself.
_FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href"), ("source", "src")}


class _Fetches(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) in _FETCHED and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_it_asks_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 100
    for page in pages:
        reader = _Fetches()
        reader.feed(page.read_text("utf-8"))
        assert reader.found
        assert not [address for address in reader.found if urlsplit(address).netloc], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", sheet.read_text("utf-8")), sheet.name


def test_every_page_of_the_repository_is_on_it(site: Path) -> None:
    shown = "\n".join(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    for file in documents():
        if file.startswith("docs/"):
            name = file.removeprefix("docs/").removesuffix(".md").replace("README", "index")
            assert f"{name}.html" in shown


def test_fidelity_tells_all_that_manifests_say(site: Path) -> None:
    overview = (site / "fidelity" / "index.html").read_text("utf-8")
    for name, manifest in manifests().items():
        assert f'href="{name}.html"' in overview
        text = (site / "fidelity" / f"{name}.html").read_text("utf-8")
        for metric in manifest.metrics:
            assert f"<code>{metric.name}</code>" in text
        assert manifest.source.url in text
        assert manifest.version in text
        for heading in ("How it was verified", "Where it differs from the original"):
            assert heading in text, name


def test_every_contract_is_on_it(site: Path) -> None:
    for folder in sorted((ROOT / "proto").rglob("v1")):
        package = ".".join(folder.relative_to(ROOT / "proto").parts)
        text = (site / "reference" / "contracts" / f"{package}.html").read_text("utf-8")
        source = "\n".join(path.read_text("utf-8") for path in folder.glob("*.proto"))
        for name in re.findall(r"^(?:message|service|enum) (\w+)", source, re.MULTILINE):
            assert f'id="{name.lower()}"' in text, name
        for rpc in re.findall(r"rpc (\w+)\(", source):
            assert f"<code>{rpc}</code>" in text, rpc


def test_every_operation_of_the_gateway_is_on_it(site: Path) -> None:
    text = (site / "reference" / "rest.html").read_text("utf-8")
    routes = (ROOT / "services" / "gateway" / "src" / "shinsa_gateway" / "inbound" / "http" / "routes").glob("*.py")
    said = [
        re.findall(r"@router\.(?:get|post|put|delete)\(\s*\"(/[^\"]*)\"", path.read_text("utf-8")) for path in routes
    ]
    paths = {path for found in said for path in found}
    assert len(paths) > 30
    for path in paths:
        assert f"{path}</code>" in text, path


def test_it_is_searched_in_japanese_too(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    assert index["config"]["lang"] == ["en", "ja"]
    assert re.search(index["config"]["separator"], "。")
    assert list(site.rglob("lunr.ja.min.js"))
    assert list(site.rglob("tinyseg.js"))
