"""Analyses over HTTP: what is asked reaches the orchestrator, and what is wrong is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from shinsa_gateway.domain.analysis import AnalysisQuery


async def test_an_analysis_is_asked_for_with_everything_that_was_said(
    http: httpx.AsyncClient, orchestrator: Any
) -> None:
    query = "board=b&rows=r~0,%20r~4,&columns=c,d&shots=4"
    plain = AnalysisQuery("b", ("r~0", "r~4"), ("c", "d"), "4")
    for kind, more, wanted in (
        ("groups", "by=type", replace(plain, by="type")),
        ("correlation", "method=spearman", replace(plain, method="spearman")),
        ("pca", "standardize=true", replace(plain, standardize=True)),
    ):
        answer = await http.get(f"/v1/analyses/{kind}?{query}&{more}")
        assert (answer.status_code, answer.json()["kind"]) == (200, kind)
        assert orchestrator.calls.pop() == ("analyse", kind, wanted, False)


async def test_without_more_an_analysis_is_of_the_whole_board(http: httpx.AsyncClient, orchestrator: Any) -> None:
    for path in ("/v1/analyses/pca?board=b", "/v1/analyses/pca?board=b&rows=all"):
        await http.get(path)
        assert orchestrator.calls.pop() == ("analyse", "pca", AnalysisQuery("b"), False)


async def test_a_table_is_a_file(http: httpx.AsyncClient, orchestrator: Any) -> None:
    answer = await http.get("/v1/analyses/correlation?board=b&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="shinsa-correlation.csv"'
    assert orchestrator.calls == [("analyse", "correlation", AnalysisQuery("b"), True)]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/analyses/means?board=b", "kind"),
        ("/v1/analyses/pca", "board"),
        ("/v1/analyses/pca?board=b&by=colour", "by"),
        ("/v1/analyses/pca?board=b&method=kendall", "method"),
        ("/v1/analyses/pca?board=b&format=xls", "format"),
        ("/v1/analyses/pca?board=b&standardize=perhaps", "standardize"),
        ("/v1/analyses/pca?board=b&row=r", "row"),
        ("/v1/analyses/pca?board=b&by=type", "by"),
        ("/v1/analyses/groups?board=b&method=pearson", "method"),
        ("/v1/analyses/statistics?board=b&standardize=true", "standardize"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, orchestrator: Any, path: str, field: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert orchestrator.calls == []
