"""An option that would have no effect beside another one is refused by name, before anything is asked or written."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.cli.fake_gateway import FakeGateway
from unit.cli.program import Shinsa


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("admin", "drain", "judge", "--undo", "--wait", "5"), "--wait"),
        (("analyse", "pca", "--board", "b", "--csv", "t.csv", "--json"), "--json"),
        (("doctor", "--nats-token", "secret"), "--nats-token"),
        (("execute", "p.py", "--local", "--sandbox-address", "h:1"), "--sandbox-address"),
        (("execute", "p.py", "--local", "--state", "s"), "--state"),
        (("execute", "p.py", "--sandbox-address", "h:1", "--state", "s"), "--state"),
        (("export", "r", "--shots", "4"), "--shots"),
        (("export", "r", "--format", "csv", "--project", "p"), "--project"),
        (("export", "r", "--format", "llm-jp-eval", "--what", "scores"), "--what"),
        (("export", "r", "--format", "wandb", "--out", "f"), "--out"),
        (("judge-eval", "--data", "d", "--recorded", "a", "--limit", "3"), "--limit"),
        (("judge-eval", "--data", "d", "--recorded", "a", "--repeats", "2"), "--repeats"),
        (("judge-eval", "--data", "d", "--recorded", "a", "--at-once", "2"), "--at-once"),
        (("judge-eval", "--data", "d", "--recorded", "a", "--verdicts", "v"), "--verdicts"),
        (("judge-eval", "--data", "d", "--recorded", "a", "--judge-address", "h:1"), "--judge-address"),
        (("judge-eval", "--data", "d", "-p", "a", "--judge-address", "h:1", "--state", "s"), "--state"),
        (("models", "add", "m", "--engine", "openai", "--set", "base_url=http://h"), "--set"),
        (("models", "add", "m", "--engine", "openai", "--set", "model=x"), "--set"),
        (("models", "import", "f.yaml", "--replace"), "--replace"),
        (("models", "import", "f.yaml", "--server", "http://h"), "--server"),
        (("run", "-m", "m", "-b", "jnli@0,mawps@4", "--shots", "2"), "--shots"),
        (("runs", "--server", "http://h", "--state", "s"), "--state"),
        (("score", "jnli", "--responses", "r", "--judge-address", "h:1"), "--judge-address"),
        (("score", "toxicity", "--responses", "r", "--verdicts", "v", "--judge-address", "h:1"), "--judge-address"),
        (("up", "--foreground", "--wait-seconds", "5"), "--wait-seconds"),
    ],
)
def test_an_option_that_nobody_heeds_is_refused(
    gateway: FakeGateway, shinsa: Shinsa, words: tuple[str, ...], option: str
) -> None:
    ended = shinsa(*words)
    assert ended.code == 2, ended.err
    assert option in ended.err
    assert "try:" in ended.err
    assert gateway.asked == []


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("analyse", "pca", "--board", "b", "--csv"), "--csv"),
        (("export", "r", "--out"), "--out"),
        (("judge-eval", "--data", "d", "-p", "a", "--verdicts"), "--verdicts"),
        (("score", "toxicity", "--responses", "r", "--judge", "a", "--verdicts"), "--verdicts"),
    ],
)
def test_a_file_in_no_folder_is_refused_before_anything_is_asked(
    gateway: FakeGateway, shinsa: Shinsa, tmp_path: Path, words: tuple[str, ...], option: str
) -> None:
    ended = shinsa(*words, str(tmp_path / "none" / "file"))
    assert (ended.code, option in ended.err, "there is no folder" in ended.err) == (2, True, True)
    assert gateway.asked == []


def test_the_token_of_the_environment_is_no_word_of_a_person(
    gateway: FakeGateway, shinsa: Shinsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHINSA_NATS_TOKEN", "secret")
    gateway.says("GET /v1/diagnosis", {"severity": "ok"})
    assert shinsa("doctor").code == 0


def test_a_judge_is_not_measured_against_itself(shinsa: Shinsa, tmp_path: Path) -> None:
    row = '{"id": "1", "rubric": "r", "fields": {"answer": "x"}, "judge": "a", "value": 1}'
    (tmp_path / "own.jsonl").write_text(row + "\n")
    ended = shinsa("judge-eval", "--data", str(tmp_path), "--recorded", "a", "--against", "a")
    assert (ended.code, "against itself" in ended.err) == (2, True)


@pytest.mark.parametrize(
    "row",
    [
        '{"judge": ["gpt", "single-v1"], "score": 3, "question_id": 1, "turn": 1}',
        '{"rubric": "r", "judge": "a", "fields": {"answer": "x"}, "value": 1}\n{"rubric": "r"}',
    ],
)
def test_a_recorded_row_that_lacks_something_is_named(shinsa: Shinsa, tmp_path: Path, row: str) -> None:
    folder = tmp_path / "bench" / "model_judgment"
    folder.mkdir(parents=True)
    (folder / "j.jsonl").write_text(row + "\n")
    ended = shinsa("judge-eval", "--data", str(tmp_path), "--recorded", "a")
    assert ended.code == 2
    assert "j.jsonl: a row is not as the format" in ended.err
    assert "--data" in ended.err
