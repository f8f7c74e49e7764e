"""`shinsa generate`: one question to one model, outside any run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from shinsa_cli.commands.options import JsonOption, ServerOption, StateOption, open_gateway


def generate(
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What to ask; `-` reads standard input.", show_default=False)
    ],
    model: Annotated[str, typer.Option("--model", "-m", help="Name of a registered model.", show_default=False)],
    system: Annotated[str, typer.Option(help="A system message before it.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Give the text to the model as it is, without template.")] = False,
    max_tokens: Annotated[int, typer.Option(min=0, help="Most new tokens; 0: what the engine allows.")] = 0,
    temperature: Annotated[
        float | None, typer.Option(min=0, help="0 is greedy. Default: the model's own.", show_default=False)
    ] = None,
    sampling: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other field of sampling, such as seed=1 or n=2."),
    ] = None,
    server: ServerOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Asks a model once; the answer goes to standard output, what is to be said of it to standard error."""
    from shinsa_client.generation import Completion

    from shinsa_cli.gateway.client import MODEL_PATIENCE, segment
    from shinsa_cli.gateway.models import order
    from shinsa_cli.render.console import clean, err, print_json
    from shinsa_cli.render.generation import completion_facts

    text = sys.stdin.read() if prompt == "-" else prompt
    stated = {"max_tokens": max_tokens or None, "temperature": temperature}
    asked = order(text, system=system, raw=raw, stated=stated, sampling=sampling or ())
    with open_gateway(server, state) as gateway:
        answer = gateway.post(f"/v1/models/{segment(model)}/generate", asked, patience=MODEL_PATIENCE)
    if as_json:
        print_json(answer)
        return
    completion = Completion.model_validate(answer)
    for number, choice in enumerate(completion.choices, start=1):
        if choice.reasoning:
            err().print(clean(choice.reasoning), style="dim", soft_wrap=True)
        if len(completion.choices) > 1:
            err().print(f"--- {number} of {len(completion.choices)}", style="dim")
        for call in choice.tool_calls:
            sys.stdout.write(f"→ {clean(call.name)}({clean(call.arguments_json)})\n")
        if choice.text or not choice.tool_calls:
            sys.stdout.write(clean(choice.text) + "\n")
    err().print(completion_facts(completion))
