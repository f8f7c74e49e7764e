"""What surrounds vLLM and can be tried without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from shinsa_chassis.errors import Reason, ShinsaError
from shinsa_inference.domain.model import VllmEngine
from shinsa_inference.domain.request import Chat, GenerateRequest, Message, Role, Sampling, Tool, ToolCall
from shinsa_inference.outbound.vllm.loading import chat_template, directory_digest, engine_arguments
from shinsa_inference.outbound.vllm.prompting import Prompter
from shinsa_inference.outbound.vllm.sampling import room_for_answer, wishes
from shinsa_inference.outbound.vllm.stderr_tail import StderrTail
from waiting import block_until

jinja2 = pytest.importorskip("jinja2", reason="comes with vLLM and transformers")

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' and no_system %}{{ raise_exception('no system') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls[0].function.arguments.a }}{% endif %}"
    "{% endfor %}{% if tools %}<{{ tools[0].function.name }}>{% endif %}"
    "{% if add_generation_prompt %}[assistant]{% if enable_thinking %}<think>\n{% endif %}{% endif %}"
)


class FakeTokenizer:
    """One token a character, and a beginning-of-text token unless told otherwise."""

    def __init__(self, template: str | None = TEMPLATE) -> None:
        self.chat_template = template

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        return [1] * add_special_tokens + [ord(c) for c in text]

    def apply_chat_template(
        self, messages: Any, *, tools: Any, chat_template: str, tokenize: bool, **extra: Any
    ) -> str:
        assert tokenize is False

        def refuse(text: str) -> None:
            raise jinja2.TemplateError(text)

        compiled = jinja2.Environment().from_string(chat_template)
        return str(compiled.render(messages=messages, tools=tools, raise_exception=refuse, **extra))


def asking(*turns: Message, **sampling: Any) -> GenerateRequest:
    return GenerateRequest("m", Chat(turns or (Message(Role.USER, "問"),)), Sampling(**sampling))


def prompter(template: str | None = TEMPLATE, own: str = "") -> Prompter:
    return Prompter("m", FakeTokenizer(template), own)


def test_a_chat_goes_through_the_template() -> None:
    prompt = prompter().prompt(asking(Message(Role.SYSTEM, "規"), Message(Role.USER, "問")))
    assert prompt.text == "[system]規[user]問[assistant]"
    assert len(prompt.tokens) == len(prompt.text)
    assert not prompt.opened


def test_the_entry_s_own_template_wins() -> None:
    assert prompter(own="{{ messages[0].content }}!").prompt(asking()).text == "問!"


def test_a_raw_prompt_stays_as_it_is() -> None:
    prompt = prompter(None).prompt(GenerateRequest("m", "[user]問"))
    assert (prompt.text, len(prompt.tokens)) == ("[user]問", 8)


@pytest.mark.parametrize(("wanted", "tokens"), [(None, 8), (True, 8), (False, 7)])
def test_a_raw_prompt_has_the_special_tokens_that_its_entry_wants(wanted: bool | None, tokens: int) -> None:
    prompter = Prompter("m", FakeTokenizer(TEMPLATE), "", wanted)
    assert len(prompter.prompt(GenerateRequest("m", "[user]問")).tokens) == tokens
    chat = prompter.prompt(asking())
    assert len(chat.tokens) == len(chat.text)


def test_tools_and_arguments_reach_the_template() -> None:
    call = Message(Role.ASSISTANT, "", (ToolCall("1", "f", '{"a": 7}'),))
    request = asking(call, tools=(Tool("f", "", {}),), chat_template_arguments={"enable_thinking": True})
    prompt = prompter().prompt(request)
    assert prompt.text == "[assistant]7<f>[assistant]<think>\n"
    assert prompt.opened


@pytest.mark.parametrize(
    ("template", "request_", "reason", "field"),
    [
        (None, asking(), Reason.FAILED_PRECONDITION, "prompt.chat"),
        (
            TEMPLATE,
            asking(chat_template_arguments={"enable_thinkin": True}),
            Reason.INVALID_ARGUMENT,
            "sampling.chat_template_arguments_json",
        ),
        (TEMPLATE, asking(reasoning_effort="low"), Reason.INVALID_ARGUMENT, "sampling.reasoning_effort"),
        (
            TEMPLATE,
            asking(Message(Role.SYSTEM, "x"), chat_template_arguments={"no_system": True}),
            Reason.INVALID_ARGUMENT,
            "prompt.chat",
        ),
        (
            TEMPLATE,
            GenerateRequest("m", "raw", Sampling(chat_template_arguments={"a": 1})),
            Reason.INVALID_ARGUMENT,
            "sampling.chat_template_arguments_json",
        ),
    ],
)
def test_what_the_template_does_not_take(
    template: str | None, request_: GenerateRequest, reason: Reason, field: str
) -> None:
    with pytest.raises(ShinsaError) as caught:
        prompter(template).prompt(request_)
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_near_matches_of_template_arguments() -> None:
    with pytest.raises(ShinsaError) as caught:
        prompter().prompt(asking(chat_template_arguments={"enable_thinkin": True}))
    assert caught.value.near_matches == ("enable_thinking",)


def test_room_for_the_answer() -> None:
    assert room_for_answer(Sampling(), 90, 100) == 10
    assert room_for_answer(Sampling(max_tokens=10), 90, 100) == 10
    # As vLLM's own server does; what was allowed is in the request as sent.
    assert room_for_answer(Sampling(max_tokens=11), 90, 100) == 10
    for sampling in (Sampling(), Sampling(max_tokens=1)):
        with pytest.raises(ShinsaError) as caught:
            room_for_answer(sampling, 100, 100)
        assert (caught.value.reason, caught.value.field) == (Reason.CONTEXT_OVERFLOW, "prompt")


def test_the_request_overrides_the_model_s_defaults() -> None:
    defaults = {"temperature": 0.6, "top_p": 0.95, "max_tokens": 5}
    assert wishes(Sampling(), defaults, 7) == {"temperature": 0.6, "top_p": 0.95, "max_tokens": 7}
    asked = Sampling(temperature=0.0, stop=("a",), reasoning_budget_tokens=3, n=2)
    assert wishes(asked, defaults, 7) == {
        "temperature": 0.0,
        "top_p": 0.95,
        "stop": ["a"],
        "thinking_token_budget": 3,
        "n": 2,
        "max_tokens": 7,
    }


def test_engine_arguments_leave_out_what_is_open() -> None:
    assert engine_arguments(VllmEngine("/m"), cpu=False) == {
        "model": "/m",
        "enforce_eager": False,
        "trust_remote_code": False,
        "disable_log_stats": True,
    }
    full = VllmEngine("/m", dtype="float16", max_model_len=9, tensor_parallel_size=2, enable_prefix_caching=False)
    arguments = engine_arguments(full, cpu=True)
    assert (arguments["dtype"], arguments["max_model_len"], arguments["tensor_parallel_size"]) == ("float16", 9, 2)
    assert (arguments["enable_prefix_caching"], arguments["enforce_eager"]) == (False, True)


def test_chat_templates_from_text_file_and_nowhere(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_text("{{ x }}")
    assert chat_template(VllmEngine("/m", chat_template="{{ y }}")) == "{{ y }}"
    assert chat_template(VllmEngine("/m", chat_template=str(tmp_path / "t.jinja"))) == "{{ x }}"
    with pytest.raises(ShinsaError) as caught:
        chat_template(VllmEngine("/m", chat_template="missing.jinja"))
    assert caught.value.field == "vllm.chat_template"


def test_a_directory_s_digest_tells_weights_apart(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"1234")
    first = directory_digest(tmp_path)
    assert directory_digest(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"12345")
    second = directory_digest(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    assert len({first, second, directory_digest(tmp_path)}) == 3


def test_the_last_words_of_a_slow_process_are_waited_for() -> None:
    tail = StderrTail()
    script = """
    import os, sys
    sys.stdin.read()
    os.write(2, b"(EngineCore pid=7) torch.OutOfMemoryError: 6 GiB are missing")
    """
    with tail.redirected():
        dying = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE)
    assert dying.stdin is not None
    assert tail.reason(0.0) == ""
    threading.Timer(0.2, dying.stdin.close).start()
    assert tail.reason(60) == "torch.OutOfMemoryError: 6 GiB are missing"
    assert dying.wait(60) == 0


def test_whoever_goes_on_writing_is_not_waited_for_in_vain() -> None:
    tail = StderrTail()
    script = "import sys; print('RuntimeError: half of it', file=sys.stderr, flush=True); sys.stdin.read()"
    with tail.redirected():
        going_on = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    block_until(lambda: tail.reason(0.01) == "RuntimeError: half of it")
    going_on.communicate(timeout=60)


def test_the_tail_of_standard_error_knows_the_reason(capfd: pytest.CaptureFixture[str]) -> None:
    tail = StderrTail()
    script = """
    import sys
    print("(EngineCore pid=7) ValueError: KV cache is too small", file=sys.stderr)
    print("RuntimeError: Engine core initialization failed. See root cause above.", file=sys.stderr)
    """
    with tail.redirected():
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    assert tail.reason(60) == "ValueError: KV cache is too small"
    # All of it is passed on, and afterwards standard error is what it was.
    assert "initialization failed" in capfd.readouterr().err
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


OWNER = """
import asyncio, multiprocessing, os, subprocess, sys, time
from shinsa_inference.outbound.vllm.environment import prepare_environment
from shinsa_inference.outbound.vllm.guardian import Guardian

def engine(pipe):
    open(os.environ["VLLM_RPC_BASE_PATH"] + "/socket", "w").close()
    worker = subprocess.Popen(["sleep", "60"])
    pipe.send(worker.pid)
    time.sleep(60)

def start():
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe()
    child = spawn.Process(target=engine, args=(its,), daemon=True)
    child.start()
    return child, mine.recv()

async def main():
    prepare_environment()
    guardian = Guardian()
    child, worker = await guardian.during(asyncio.to_thread(start))
    print(child.pid, worker, os.environ["VLLM_RPC_BASE_PATH"], flush=True)
    if "dismiss" in sys.argv:
        child.kill()
        child.join()
        guardian.dismiss()
        return
    time.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_owner_leaves_no_engine_behind(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    owner = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    *words, sockets = owner.stdout.readline().split()
    pids = [int(pid) for pid in words]
    assert all(_runs(pid) for pid in pids)
    assert (Path(sockets) / "socket").is_file()
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 60
    while (any(_runs(pid) for pid in pids) or Path(sockets).exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if _runs(pid)]
    assert not Path(sockets).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_dead_engine_leaves_behind_goes_when_it_is_closed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    command = [sys.executable, str(script), "dismiss"]
    done = subprocess.run(command, check=True, timeout=100, stdout=subprocess.PIPE, text=True)
    *pids, sockets = done.stdout.split()
    assert not [pid for pid in pids if _runs(int(pid))]
    assert not Path(sockets).exists()
