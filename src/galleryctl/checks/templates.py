"""TPL: chat templates, tried on the conversations that users have."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.checks import placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.placed import PlacedRelease
    from galleryctl.checks.sandbox import Compiled

ASKED = "What is the capital of France"
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city."}},
            "required": ["city"],
        },
    },
}
_USER: dict[str, Any] = {"role": "user", "content": ASKED}
_ANSWER: dict[str, Any] = {"role": "assistant", "content": "Paris."}


def _calling(arguments: object) -> dict[str, Any]:
    call = {"id": "call00001", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    return {
        "messages": [
            _USER,
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "name": "get_weather", "tool_call_id": "call00001", "content": '{"degrees": 21}'},
        ],
        "tools": [_TOOL],
    }


_CONVERSATIONS: dict[str, dict[str, Any]] = {
    "one user turn": {"messages": [_USER]},
    "a system and a user turn": {"messages": [{"role": "system", "content": "Be brief."}, _USER]},
    "three turns": {"messages": [_USER, _ANSWER, {"role": "user", "content": "And of Spain?"}]},
    "a function call and its result": _calling({"city": "Paris"}),
}
_AS_TEXT = _calling('{"city": "Paris"}')
"""The same as the wire has it: some templates want the arguments as a map, some as text."""
_TOKENS = {name: f"<{name}>" for name in ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token")}


class Verdict(NamedTuple):
    """What became of a template. `line` is that of the template where the trouble is."""

    code: str = ""
    line: int = 1
    message: str = ""
    fix: str = ""
    written: str = ""
    """All that it writes, for the rule about stop strings."""


class _Template(NamedTuple):
    release: PlacedRelease
    text: str
    file: str = ""
    """File it stands in; empty where it stands in the release."""

    def finding(self, subject: Subject, verdict: Verdict) -> Finding:
        if self.file:
            path = f"{subject.root}/{self.file}"
            return Finding(path, (), verdict.message, verdict.fix, position=(verdict.line, 1))
        pointer = ("spec", "prompt", "template")
        return Finding(self.release.path, pointer, f"line {verdict.line}: {verdict.message}", verdict.fix)


def _templates(subject: Subject) -> Iterator[_Template]:
    told = set()
    for each in placed.releases(subject):
        found = placed.block(each.release.spec, "prompt").get("template")
        if isinstance(found, str):
            yield _Template(each, found)
        elif isinstance(found, dict) and isinstance(name := found.get("file"), str) and name not in told:
            told.add(name)
            if (text := subject.texts.get(name)) is not None:
                yield _Template(each, text, name)


def _tools(template: _Template) -> bool:
    return "tools" in placed.texts(template.release.release.spec, "abilities")


_GO = re.compile(r"\{\{-?\s*(?:\.[A-Z$]|\$|(?:if|range|with|template|define|block)\s|(?:end|else)\s*-?\}\})")
_JINJA = re.compile(r"\{%-?\s*(?:if|for|set|macro|endif|endfor)\b")


@lru_cache(maxsize=1024)  # one template often serves every release and many models
def judge(text: str, *, tools: bool) -> Verdict:
    """Try a template on every conversation. `tools` is whether the model is said to call functions."""
    if go := _GO.search(text):
        line = text.count("\n", 0, go.start()) + 1
        return Verdict("TPL004", line, f"`{go[0].strip()}` is a Go template", "move it to the overlay of that runtime")
    from galleryctl.checks import sandbox  # noqa: PLC0415 - on use: most models have no template

    try:
        compiled = sandbox.Compiled(text)
    except sandbox.TemplateSyntaxError as error:
        return Verdict("TPL001", error.lineno, f"the template does not parse: {error.message}", "correct it")
    if compiled.reaches:
        line, what = compiled.reaches[0]
        return Verdict("TPL003", line, f"`{what}` reaches out of the sandbox", "remove it")
    written = ""
    for name, conversation in _CONVERSATIONS.items():
        for prompt in (True, False):
            verdict = _try(compiled, name, {**conversation, "add_generation_prompt": prompt}, tools=tools)
            if verdict.code == "TPL002" and "tools" in conversation:
                verdict = _try(compiled, name, {**_AS_TEXT, "add_generation_prompt": prompt}, tools=tools)
            if verdict.code:
                return verdict
            written += verdict.written
    return Verdict(written=written)


def _try(compiled: Compiled, name: str, conversation: dict[str, Any], *, tools: bool) -> Verdict:  # noqa: PLR0911 - one line for each outcome
    from galleryctl.checks import sandbox  # noqa: PLC0415 - on use: most models have no template

    calls = "tools" in conversation
    try:
        written = compiled.render({**_TOKENS, **conversation})
    except sandbox.SecurityError as error:
        return Verdict("TPL003", _line(error), f"it reaches out of the sandbox: {error}", "remove it")
    except sandbox.ExhaustedError as error:
        return Verdict("TPL002", _line(error), f"it does not come to an end with {name}: {error}", "bound its loops")
    except sandbox.RefusedError as error:  # its author says so: a limit of the model, unless nothing is left of it
        if name == "one user turn" or (calls and tools):
            message = f"it refuses {name}: {error}"
            return Verdict("TPL002", _line(error), message, "let it render, or drop the ability it refuses")
        return Verdict()
    except sandbox.TemplateError as error:
        if calls and not tools:
            return Verdict()
        fix = "guard `tools` with `if`" if calls else "guard what may be missing with `is defined`"
        return Verdict("TPL002", _line(error), f"it does not render {name}: {error}", fix)
    if ASKED not in written and not calls:
        return Verdict("TPL002", 1, f"it writes nothing of what the user says in {name}", "write message['content']")
    return Verdict(written=written)


def _line(error: BaseException) -> int:
    """The line of the template: Jinja gives its frames the name and lines of the template."""
    line, trace = 1, error.__traceback__
    if error.__cause__ is not None:
        trace = error.__cause__.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _found(subject: Subject, code: str) -> Iterator[Finding]:
    for template in _templates(subject):
        if template.text.strip() and (verdict := judge(template.text, tools=_tools(template))).code == code:
            yield template.finding(subject, verdict)


def unparsed_template(subject: Subject) -> Iterator[Finding]:
    """A chat template does not parse.

    Runtimes read the template when the model starts, some only at the first message: the mistake appears at the user's.

    Bad:

    ```yaml
    prompt: {template: "{% for message in messages %}{{ message.content }}"}
    ```

    Good:

    ```yaml
    prompt: {template: "{% for message in messages %}{{ message.content }}{% endfor %}"}
    ```
    """
    yield from _found(subject, "TPL001")


def failing_template(subject: Subject) -> Iterator[Finding]:
    """A chat template fails on an ordinary conversation, or loses what the user says.

    It is tried on one user turn, a system and a user turn, three turns, and a function call with its result, each with
    and without the generation prompt. A template that refuses a conversation with `raise_exception` says that the model
    cannot do it, which is fine but for one user turn, and for function calls where `tools` is among the abilities.

    Bad:

    ```yaml
    prompt: {template: "{{ tools | length }} tools. {{ messages[1].content }}"}
    ```

    Good:

    ```yaml
    prompt: {template: "{% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}"}
    ```
    """
    yield from _found(subject, "TPL002")


def escaping_template(subject: Subject) -> Iterator[Finding]:
    """A chat template reaches out of its sandbox.

    Templates are programs that run on the machine of everybody who loads the model. Imports and attributes such as
    `__class__` lead from a text to the whole of Python.

    Bad:

    ```yaml
    prompt: {template: "{{ messages.__class__.__mro__ }}"}
    ```

    Good:

    ```yaml
    prompt: {template: "{{ messages[0].content }}"}
    ```
    """
    yield from _found(subject, "TPL003")


_GO_PLACES = ("chat", "chat_message", "completion", "edit", "function", "reply_prefix")


def foreign_template(subject: Subject) -> Iterator[Finding]:
    """A template is written in another engine's language.

    `prompt.template` is Jinja. Ollama and LocalAI take templates of Go, which stand in their overlays. In the wrong
    place a template is sent to the model as it is, or refused.

    Bad:

    ```yaml
    prompt: {template: "{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}"}
    ```

    Good:

    ```yaml
    runtimes:
      ollama: {template: "{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}"}
    ```
    """
    yield from _found(subject, "TPL004")
    for each in placed.releases(subject):
        for pointer, text in _go_templates(each):
            if jinja := _JINJA.search(text):
                message = f"`{jinja[0]}` is Jinja, and this runtime reads templates of Go"
                yield Finding(each.path, pointer, message, "move it to `spec.prompt.template`, or write it for Go")


def _go_templates(each: PlacedRelease) -> Iterator[tuple[Pointer, str]]:
    overlays = each.release.runtimes
    if isinstance(text := overlays.get("ollama", {}).get("template"), str):
        yield ("runtimes", "ollama", "template"), text
    block = placed.block(placed.block(overlays.get("localai", {}), "overrides"), "template")
    for name in _GO_PLACES if not block.get("jinja_template") else ():
        if isinstance(text := block.get(name), str):
            yield ("runtimes", "localai", "overrides", "template", name), text


def idle_stop(subject: Subject) -> Iterator[Finding]:
    """Stop token ids stand without strings, or the template writes none of the stop strings.

    Runtimes that stop by text go on past the end of an answer, and the model talks to itself.

    Bad:

    ```yaml
    prompt: {stop_token_ids: [151643, 151645]}
    ```

    Good:

    ```yaml
    prompt: {stop: ["<|endoftext|>", "<|im_end|>"], stop_token_ids: [151643, 151645]}
    ```
    """
    for each in placed.releases(subject):
        prompt = placed.block(each.release.spec, "prompt")
        stops = placed.texts(prompt, "stop")
        if prompt.get("stop_token_ids") and not stops:
            message = "stop token ids without the strings they stand for"
            fix = 'add `stop`, the texts of these tokens: stop: ["<|im_end|>"]'
            yield Finding(each.path, ("spec", "prompt", "stop_token_ids"), message, fix)
    for template in _templates(subject):
        stops = placed.texts(placed.block(template.release.release.spec, "prompt"), "stop")
        if not stops or not template.text.strip() or "eos_token" in template.text:
            continue
        verdict = judge(template.text, tools=_tools(template))
        if not verdict.code and not any(stop in template.text or stop in verdict.written for stop in stops):
            message = f"the template writes none of the stop strings {', '.join(repr(stop) for stop in stops)}"
            yield Finding(template.release.path, ("spec", "prompt", "stop"), message, "add the string that ends a turn")


def half_reasoning(subject: Subject) -> Iterator[Finding]:
    """Reasoning has a start without an end, or both are the same.

    Runtimes cut the thoughts out between the two. With one missing, users read the thoughts as the answer or get no
    answer at all.

    Bad:

    ```yaml
    prompt: {reasoning: {start: <think>}}
    ```

    Good:

    ```yaml
    prompt: {reasoning: {start: <think>, end: </think>}}
    ```
    """
    for each in placed.releases(subject):
        found = placed.block(each.release.spec, "prompt").get("reasoning")
        if not isinstance(found, dict):
            continue
        start, end = found.get("start"), found.get("end")
        pointer = ("spec", "prompt", "reasoning")
        if not start or not end:
            lacks = "end" if start else "start"
            other = f"`{lacks}: {str(start or end).replace('<', '</') if start else '…'}`"
            message = f"`reasoning` has no `{lacks}`"
            yield Finding(each.path, pointer, message, f"add {other if start or end else 'both'}")
        elif start == end:
            yield Finding(each.path, (*pointer, "end"), f"`end` is the same as `start`: {end}", "write what ends it")


RULES: tuple[Rule, ...] = (
    rule("TPL001", Severity.ERROR, entry=unparsed_template),
    rule("TPL002", Severity.ERROR, entry=failing_template),
    rule("TPL003", Severity.ERROR, entry=escaping_template, fixed=True),
    rule("TPL004", Severity.ERROR, entry=foreign_template),
    rule("TPL005", Severity.WARN, entry=idle_stop),
    rule("TPL006", Severity.ERROR, entry=half_reasoning),
)
