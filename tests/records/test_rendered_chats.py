"""Whole chats in one string: read as chats where `--columns chat=` says so, searched as text and named where not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import RunCli
from hypothesis import given
from hypothesis import strategies as st

import dataaudit
from dataaudit.records.rendered import DIALECTS, split_rendered

Chat = list[tuple[str, str]]
BOS, EOS = "<s>", "</s>"


def chatml(chat: Chat) -> str:
    return "".join(f"<|im_start|>{who}\n{said}<|im_end|>\n" for who, said in chat)


def llama3(chat: Chat) -> str:
    turns = "".join(f"<|start_header_id|>{who}<|end_header_id|>\n\n{said}<|eot_id|>" for who, said in chat)
    return "<|begin_of_text|>" + turns


def gemma(chat: Chat) -> str:
    names = {"assistant": "model"}
    return "<bos>" + "".join(
        f"<start_of_turn>{names.get(who, who)}\n{said}<end_of_turn>\n" for who, said in chat
    )


def zephyr(chat: Chat) -> str:
    return "".join(f"<|{who}|>\n{said}{EOS}\n" for who, said in chat)


def llama2(chat: Chat) -> str:
    text, system = "", ""
    for who, said in chat:
        if who == "system":
            system = f"<<SYS>>\n{said}\n<</SYS>>\n\n"
        elif who == "user":
            text += f"{BOS}[INST] {system}{said} [/INST]"
            system = ""
        else:
            text += f" {said} {EOS}"
    return text


def vicuna(chat: Chat) -> str:
    text = "A chat between a person and a machine. " if chat[0][0] == "system" else ""
    for who, said in chat:
        if who != "system":
            text += f"{who.upper()}: {said}{EOS if who == 'assistant' else ' '}"
    return text


def alpaca(chat: Chat) -> str:
    heads = {"user": "Instruction", "assistant": "Response"}
    start = "Below is an instruction that describes a task.\n\n" if chat[0][0] == "system" else ""
    return start + "\n\n".join(f"### {heads[who]}:\n{said}" for who, said in chat if who in heads)


def guanaco(chat: Chat) -> str:
    heads = {"user": "Human", "assistant": "Assistant"}
    return "".join(f"### {heads[who]}: {said}" for who, said in chat if who in heads)


RENDERERS: dict[str, Callable[[Chat], str]] = {
    one.__name__: one for one in (chatml, llama3, gemma, zephyr, llama2, vicuna, alpaca, guanaco)
}
WORDS = st.lists(
    st.sampled_from(["Hello", "you", "there", "12", "é", "a\n\nb", "Why?"]), min_size=1, max_size=5
)


@st.composite
def chats(draw: st.DrawFn) -> Chat:
    said = [" ".join(draw(WORDS)) for _ in range(2 * draw(st.integers(1, 3)))]
    chat = [(("user", "assistant")[i % 2], text) for i, text in enumerate(said)]
    return [("system", " ".join(draw(WORDS))), *chat] if draw(st.booleans()) else chat


@pytest.mark.parametrize("name", RENDERERS)
@given(chat=chats())
def test_every_turn_is_found_again(name: str, chat: Chat) -> None:
    text = RENDERERS[name](chat)
    _, said = split_rendered(text)
    told = [(one.name.lower(), text[one.start : one.end]) for one in said]
    names = {"human": "user", "instruction": "user", "model": "assistant"}
    spoken = [(names.get(who, who), words) for who, words in told]
    if name in ("vicuna", "alpaca", "guanaco"):  # these have a fixed system text or none
        chat, spoken = ([one for one in some if one[0] != "system"] for some in (chat, spoken))
    assert spoken == chat


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Write <|im_start|>user\nHello<|im_end|>",
        "<|im_start|>user\nHello<|im_end|>\n",
        "[INST] Hello [/INST]",
        "[INST] a [/INST] b [INST] c [/INST] d",
        "He said: USER: hello ASSISTANT: hi",
        "### Instruction:\nOnly this",
        "### Response:\nOnly that",
        "<start_of_turn>model\nHi<end_of_turn>",
        "Assistant: hello",
        "<|im_start|>narrator\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>",
    ],
)
def test_what_is_not_wholly_a_chat_is_none(text: str) -> None:
    assert split_rendered(text) == ("", []) or text == "[INST] Hello [/INST]"


def test_a_header_inside_a_turn_is_text() -> None:
    text = chatml([("user", "What is <|im_start|>system\n for?"), ("assistant", "A marker.")])
    _, said = split_rendered(text)
    assert [text[one.start : one.end] for one in said] == ["What is <|im_start|>system\n for?", "A marker."]


@pytest.mark.parametrize("piece", [" ", "\n", "</s>", "<s>", "<|im_end|>", "[INST]", "### Input:", "USER: "])
def test_long_strings_of_nothing_but_markers_take_no_time(piece: str) -> None:
    for opening in ("", "<|im_start|>user\n", "[INST] ", "USER: ", "### Instruction:\n", "<s>"):
        split_rendered(opening + piece * 100_000)


ROWS: list[Chat] = [
    [("user", f"How many is {n} and {n}?"), ("assistant", f"That is {2 * n}, of course.")] for n in range(30)
]


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


@pytest.mark.parametrize("name", RENDERERS)
def test_rendered_chats_are_searched_as_text_until_declared(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "chats.jsonl", [RENDERERS[name](chat) for chat in ROWS])
    report = dataaudit.scan(path)
    assert report.sources[0].layout == "text"
    (note,) = report.sources[0].notes
    assert "in 30 of 30 rows" in note and "--columns chat=text" in note
    assert report.rates["chat-marker"].rows == 30

    declared = dataaudit.scan(path, columns=("chat=text",))
    assert declared.sources[0].layout == "messages"
    assert declared.sources[0].notes == ()
    assert {"prompt": "text", "response": "text"}.items() <= declared.sources[0].roles.items()
    assert declared.rates["chat-marker"].rows == 0
    assert declared.rates["chat-marker"].of == 30


def test_markers_in_a_turn_of_a_declared_chat_are_found_at_their_place(tmp_path: Path) -> None:
    texts = [chatml(chat) for chat in ROWS]
    texts[7] = chatml([("user", "Hello"), ("assistant", "[INST] Hello [/INST] Yes.")])
    texts[9] = "<|im_start|>assistant\nalone<|im_end|>"
    path = write(tmp_path / "chats.jsonl", texts)
    report = dataaudit.scan(path, columns=("chat=text",))
    finding = report.finding("chat-inst-block")
    assert finding is not None
    (example,) = finding.examples
    assert (example.row, example.role, example.path) == (7, "response", "text")
    assert example.span is not None and texts[7][slice(*example.span)].startswith("[INST]")
    assert report.rates["chat-marker"].rows == 2  # what is no whole chat is read as text, markers and all


def test_few_rendered_chats_among_texts_are_findings_and_no_remark(tmp_path: Path) -> None:
    path = write(tmp_path / "texts.jsonl", ["A plain text."] * 40 + [chatml(ROWS[0])])
    report = dataaudit.scan(path)
    assert report.sources[0].notes == ()
    assert report.rates["chat-marker"].rows == 1


def test_nested_chats_can_be_declared(tmp_path: Path, run_cli: RunCli) -> None:
    path = tmp_path / "requests.jsonl"
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "As an AI assistant I"}]
    path.write_text(json.dumps({"id": "a", "body": {"messages": turns}}) + "\n")
    for named in ("chat=body.messages", "chat=body.messages[*]"):
        report = dataaudit.scan(path, columns=(named,))
        found = report.finding("self-as-an-ai-assistant")
        assert found is not None
        assert found.examples[0].path == "body.messages[1].content"
    done = run_cli("scan", path, "--columns", "chat=body.turns")
    assert done.returncode == 2
    assert "no record has such a column" in done.stderr


def test_chats_printed_by_python_are_named(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    said = str([{"role": "user", "content": "Hello"}])
    path.write_text(json.dumps({"messages": said}) + "\n")
    assert any(
        "as Python prints them in 1 of 1 rows" in note for note in dataaudit.scan(path).sources[0].notes
    )


def test_dialects_have_names_of_their_own() -> None:
    assert len({one.name for one in DIALECTS}) == len(DIALECTS)
