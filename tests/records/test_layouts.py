"""Layouts by column names and kinds, for the shapes datasets have on the Hub; ambiguity is said, not hidden."""

from __future__ import annotations

import pytest

from dataaudit.errors import UsageError
from dataaudit.records.bindings import FieldKind, Layout
from dataaudit.records.kinds import kind_of
from dataaudit.records.layouts import detect
from dataaudit.records.tables import kind_of_type, table_layout


def layout(columns: str, overrides: tuple[tuple[str, str], ...] = ()) -> Layout:
    """The layout of columns written as `name:kind`, the kind being s where it is left out."""
    fields = [one.partition(":") for one in columns.split()]
    return detect(tuple(FieldKind(name, kind or "s") for name, _, kind in fields), overrides)


def roles(found: Layout) -> str:
    return " ".join(f"{one.role or 'turns'}={one.path}" for one in found.bindings)


CASES = [
    # dataset, columns, layout, roles
    ("alpaca", "instruction input output", "instruction", "prompt=instruction prompt=input response=output"),
    ("alpaca with text", "instruction input output text", "instruction",
     "prompt=instruction prompt=input response=output"),
    ("dolly", "instruction context response category", "instruction",
     "prompt=instruction prompt=context response=response label=category"),
    ("sharegpt", "id conversations:v", "messages", "turns=conversations[*]"),
    ("openai", "messages:t", "messages", "turns=messages[*]"),
    ("ultrachat", "prompt prompt_id messages:t", "messages", "turns=messages[*]"),
    ("slim orca", "conversations:v", "messages", "turns=conversations[*]"),
    ("system beside chat", "system conversations:v", "messages", "system=system turns=conversations[*]"),
    ("open orca", "id system_prompt question response", "question-answer",
     "system=system_prompt prompt=question response=response"),
    ("ultrafeedback binarized", "prompt prompt_id chosen:t rejected:t messages:t score_chosen:f score_rejected:f",
     "preference", "prompt=prompt turns=chosen[*] turns=rejected[*]"),
    ("hh-rlhf", "chosen rejected", "preference", "turns=chosen turns=rejected"),
    ("orca dpo", "system question chosen rejected", "preference",
     "system=system prompt=question turns=chosen turns=rejected"),
    ("gsm8k", "question answer", "question-answer", "prompt=question response=answer"),
    ("math", "problem level type solution", "question-answer", "prompt=problem response=solution"),
    ("mmlu", "question subject choices:l answer:c", "question-answer",
    "prompt=question prompt=choices[*] label=answer"),
    ("openai prompt completion", "prompt completion", "prompt-completion", "prompt=prompt response=completion"),
    ("humaneval", "task_id prompt canonical_solution test entry_point", "prompt-response",
     "prompt=prompt response=canonical_solution"),
    ("imdb", "text label:c", "labelled", "text=text label=label"),
    ("sms", "text label", "labelled", "text=text label=label"),
    ("ag news", "text label:i", "labelled", "text=text label=label"),
    ("snli", "premise hypothesis label:c", "labelled", "text=premise text=hypothesis label=label"),
    ("qqp", "question1 question2 label:c idx:i", "labelled", "text=question1 text=question2 label=label"),
    ("stsb", "sentence1 sentence2 score:f", "text", "text=sentence1 text=sentence2"),
    ("qnli", "question sentence label:c", "labelled", "prompt=question text=sentence label=label"),
    ("boolq", "question passage answer:i", "text", "prompt=question text=passage"),
    ("triplet", "anchor positive negative", "text", "text=anchor text=positive text=negative"),
    ("bge", "query pos:l neg:l", "text", "text=query text=pos[*] text=neg[*]"),
    ("tevatron", "query_id query positive_passages:o negative_passages:o", "text",
     "text=query turns=positive_passages turns=negative_passages"),
    ("winogrande", "sentence option1 option2 answer:i", "text", "text=sentence text=option1 text=option2"),
    ("samsum", "id dialogue summary", "text", "text=dialogue response=summary"),
    ("chat in a string", "system chat", "text", "system=system text=chat"),
    ("text with its prompt", "prompt text format", "text", "prompt=prompt text=text"),
    ("lima", "conversations:l source", "messages", "turns=conversations[*]"),
    ("prompts of a chat", "question_id turns:l", "unknown-columns", "text=question_id text=turns[*]"),
    ("oasst", "message_id text role lang", "messages", "turns=text"),
    ("two chats", "conversation_a:t conversation_b:t winner", "messages",
     "turns=conversation_a[*] turns=conversation_b[*]"),
    ("sharegpt under another name", "id items:v", "messages", "turns=items[*]"),
    ("webgpt", "question:o answer_0 answer_1 quotes_0:o", "several-responses",
     "turns=question response=answer_0 response=answer_1"),
    ("helpsteer 3", "context:t response1 response2", "several-responses",
     "turns=context[*] response=response1 response=response2"),
    ("ultrafeedback", "instruction completions:o correct_answers:l", "several-responses",
     "prompt=instruction turns=completions response=correct_answers[*]"),
    ("summaries", "info:o summaries:o worker", "several-responses", "turns=info turns=summaries"),
    ("self-instruct", "id instruction instances:o", "instruction", "prompt=instruction turns=instances[*]"),
    ("open r1", "problem solution answer generations:l messages:t question_type", "messages",
     "turns=messages[*] response=solution response=answer response=generations[*]"),
    ("s1k", "question solution cot_type thinking_trajectories:l attempt", "question-answer",
     "prompt=question response=solution response=attempt response=thinking_trajectories[*]"),
    ("open math", "problem generated_solution expected_answer problem_source", "question-answer",
     "prompt=problem response=generated_solution response=expected_answer"),
    ("truthful qa", "type question best_answer incorrect_answers:l", "question-answer",
     "prompt=question response=best_answer response=incorrect_answers[*]"),
    ("medical o1", "Question Complex_CoT Response", "question-answer",
     "prompt=Question response=Response response=Complex_CoT"),
    ("xlam", "id:i query tools answers", "question-answer", "prompt=query response=answers tool=tools"),
    ("tools beside a chat", "messages:t tools:o", "messages", "turns=messages[*] turns=tools"),
    ("squad, flat", "context question answer_text answer_start:i", "question-answer",
     "prompt=question prompt=context response=answer_text"),
    ("prosocial", "context response safety_label", "prompt-response", "prompt=context response=response"),
    ("who wrote it", "user tweet", "unknown-columns", "text=user text=tweet"),
    ("a message and its writer", "user assistant", "prompt-response", "prompt=user response=assistant"),
    ("fineweb", "text id dump url date file_path language language_score:f token_count:i", "text", "text=text"),
    ("c4", "text timestamp url", "text", "text=text"),
    ("wikipedia", "id url title text", "text", "text=text"),
    ("the stack", "content avg_line_length:f ext", "text", "text=content"),
    ("red pajama", "raw_content doc_id meta", "text", "text=raw_content"),
    ("upper case", "Instruction Response", "instruction", "prompt=Instruction response=Response"),
    ("many generations", "prompt generations:l model", "prompt-response", "prompt=prompt response=generations[*]"),
    ("chat prompts", "prompt:t completion:t", "prompt-completion", "turns=prompt[*] turns=completion[*]"),
    ("empty chat", "messages:e", "messages", "prompt=messages"),
    ("null chat beside text", "messages:n text", "text", "text=text"),
    ("numbers", "x:f y:i", "none", ""),
    ("nothing", "", "none", ""),
    ("unknown", "foo bar n:i", "unknown-columns", "text=foo text=bar"),
    ("dotted name", r"my.col", "unknown-columns", r"text=my\.col"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "name", "bound"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_layouts_of_known_shapes(columns: str, name: str, bound: str):
    found = layout(columns)
    assert (found.name, set(roles(found).split())) == (name, set(bound.split()))


@pytest.mark.parametrize(
    ("columns", "unread"),
    [
        ("text url title", ("url", "title")),
        ("instruction input output text", ("text",)),
        ("prompt chosen:t rejected:t messages:t", ("messages",)),
        ("question context answers:d id", ("id",)),
        ("foo bar", ()),
        ("prompt response n:i x:f", ()),
        (
            "question answer answer_type question_id num_answers is_response",
            ("answer_type", "question_id", "num_answers", "is_response"),
        ),
    ],
)
def test_string_columns_without_a_role_are_listed(columns: str, unread: tuple[str, ...]):
    assert layout(columns).unread == unread


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            "messages:t conversations:v",
            "several columns hold turns (messages, conversations); messages is read",
        ),
        ("foo bar", "what reads as text is searched"),
    ],
)
def test_ambiguity_is_said(columns: str, said: str):
    assert any(said in note for note in layout(columns).notes)


def test_clear_layouts_have_no_notes():
    for columns in ("text", "prompt completion", "messages:t", "instruction input output", "text label"):
        assert layout(columns).notes == ()


@pytest.mark.parametrize(
    "columns", ["prompt completion", "messages:t", "chosen rejected", "instruction output"]
)
def test_layouts_with_a_response_expect_one(columns: str):
    assert layout(columns).expects_response


@pytest.mark.parametrize(
    "columns", ["text", "text label", "prompt", "foo", "question choices:l answer:c", "n:i"]
)
def test_layouts_without_one_do_not(columns: str):
    assert not layout(columns).expects_response


def test_places_do_not_depend_on_columns_that_are_absent_or_on_their_order():
    def places(columns: str) -> dict[tuple[str | None, str], int]:
        return {(one.role, one.path): one.rank for one in layout(columns).bindings}

    full = places("system prompt response label")
    assert places("prompt response").items() <= full.items()
    assert places("label response prompt").items() <= full.items()
    assert places("bar foo") == places("foo bar")
    assert places("foo").items() <= places("bar foo").items()
    assert places("text topic label") == places("text label topic")
    for columns in ("system prompt input response label", "foo bar baz qux", "prompt chosen rejected"):
        found = list(places(columns).values())
        assert len(set(found)) == len(found)


OVERRIDES = [
    ("foo bar", [("text", "foo")], "custom", "text=foo"),
    ("foo bar", [("label", "bar")], "unknown-columns", "text=foo label=bar"),
    ("prompt response", [("response", "alt")], "prompt-response", "prompt=prompt"),
    ("prompt response alt", [("response", "alt")], "prompt-response", "prompt=prompt response=alt"),
    ("text meta:d", [("label", "meta.lang")], "text", "text=text label=meta.lang"),
    ("messages:t", [("response", "messages[*].content")], "custom", "response=messages[*].content"),
    ("messages:t kind", [("label", "kind")], "messages", "turns=messages[*] label=kind"),
    ("text label", [("label", "other")], "text", "text=text"),
]


@pytest.mark.parametrize(("columns", "overrides", "name", "bound"), OVERRIDES)
def test_overrides_replace_what_was_detected(
    columns: str, overrides: list[tuple[str, str]], name: str, bound: str
):
    found = layout(columns, tuple(overrides))
    if name != "text":  # a labelled layout keeps its name
        assert found.name == name
    assert set(roles(found).split()) >= set(bound.split())
    named = {role for role, _ in overrides}
    assert {
        one.role for one in found.bindings if one.role in named and (one.role, one.path) not in overrides
    } == set()


def test_overridden_columns_leave_the_others_unread():
    assert layout("foo bar baz", (("text", "foo"),)).unread == ("bar", "baz")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", "s"), (None, "n"), (1, "i"), (True, "i"), (1.5, "f"), ({}, "d"), ([], "e"), (["a"], "l"), ([1], "k"),
        (["a", 1], "o"), ([{"role": "user"}], "t"), ([{"from": "a", "value": "b"}], "v"), ([{"x": 1}], "x"),
        ([["a"]], "o"), ({"a": 1}, "d"), ({"a": [{"b": "c"}]}, "o"), ([[1.5]], "x"),
    ],
)  # fmt: skip
def test_kinds_of_json_values(value: object, kind: str):
    assert kind_of(value) == kind


def test_kinds_of_arrow_types():
    import pyarrow as pa

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    share = pa.struct([("from", pa.string()), ("value", pa.string())])
    cases = {
        "s": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
        "i": [pa.int8(), pa.uint64(), pa.bool_()],
        "f": [pa.float16(), pa.float64()],
        "d": [pa.struct([("n", pa.int8())])],
        "o": [turn, pa.map_(pa.string(), pa.string()), pa.list_(pa.list_(pa.string()))],
        "t": [pa.list_(turn), pa.large_list(turn)],
        "v": [pa.list_(share)],
        "l": [pa.list_(pa.string()), pa.list_(pa.string(), 3), pa.list_view(pa.string())],
        "e": [pa.list_(pa.null())],
        "x": [pa.binary(), pa.timestamp("s"), pa.map_(pa.int8(), pa.int8()), pa.decimal128(5)],
        "n": [pa.null()],
        "k": [pa.list_(pa.int64()), pa.large_list(pa.uint8())],
    }
    for kind, types in cases.items():
        assert {str(one): kind_of_type(one) for one in types} == {str(one): kind for one in types}


def test_an_override_on_a_column_a_table_lacks_is_refused():
    import pyarrow as pa

    with pytest.raises(UsageError, match="columns are: text"):
        table_layout(pa.schema([("text", pa.string())]), (("response", "answer"),))
