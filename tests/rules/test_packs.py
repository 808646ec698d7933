"""The shipped packs: sound, prefiltered, and with the counts known of the real data."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from rules_support import array

from dataaudit.rules.costs import costs
from dataaudit.rules.describe import describe
from dataaudit.rules.examples import test_rules as run_examples
from dataaudit.rules.load import load_packs, packs_dir
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Rule, decode_rules, encode_rules
from dataaudit.rules.prefilter import plan_rule
from dataaudit.rules.schema import pack_schema

RULES = load_packs()
BY_ID = {rule.id: rule for rule in RULES}
# Shipped rules that are matched on every string, and why that is worth it. Empty is best.
PER_ROW: dict[str, str] = {}
SEED = ("chat-inst-block", "self-as-an-ai-assistant", "refusal-cannot-and-will-not")
PREFIXES = (
    "chat", "self", "refusal", "disclaimer", "cutoff", "opener", "closer", "interface", "reasoning", "vocabulary",
    "shape", "unicode", "scaffold", "secret", "pii",
)  # fmt: skip
"""What the ids of shipped rules begin with, so that `--select` can name a family."""
NAMED = (
    *SEED, "chat-chatml-tokens", "chat-llama3-tokens", "chat-llama2-sys", "chat-gemma-turns",
    "chat-alpaca-headers",
    "chat-vicuna-preamble", "self-as-an-ai-language-model", "self-vendor-model",
)  # fmt: skip


def test_every_example_of_every_rule_passes() -> None:
    assert [result.as_dict() for result in run_examples(RULES) if not result.ok] == []


def test_the_rules_others_rely_on_are_there() -> None:
    assert set(NAMED) <= set(BY_ID)
    assert len(RULES) >= 30
    for name in SEED:
        assert "seed" in BY_ID[name].tags
        assert BY_ID[name].counts_as_contamination


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_is_complete(rule: Rule) -> None:
    assert rule.id.split("-")[0] in PREFIXES
    assert rule.references
    assert all(address.startswith("https://") for address in rule.references)
    assert "was written by" not in rule.message
    if rule.category == "model-output":
        assert "reads as" in rule.message
    assert json.dumps(describe(rule))
    assert set(describe(rule)) >= {"prefilter", "contamination", "reads"}


def test_shipped_rules_are_prefiltered_or_listed() -> None:
    assert {rule.id: plan_rule(rule).reason for rule in RULES if plan_rule(rule).per_row} == PER_ROW


def test_compiling_all_rules_is_quick() -> None:
    results = costs(RULES)
    assert not any(
        cost.per_row and cost.rule not in PER_ROW for cost in results if "installed" not in str(cost.reason)
    )
    assert sum(cost.compile_seconds for cost in results) < 5


def test_rules_travel_as_messagepack() -> None:
    assert decode_rules(encode_rules(RULES)) == RULES
    assert len({hash(rule) for rule in RULES}) == len(RULES)


def test_vendor_and_model_are_captured() -> None:
    rule = BY_ID["self-vendor-model"]
    scanner = Matcher([rule])
    captures = scanner.captures(rule, "Hello, I'm ChatGPT, a model trained by OpenAI.")
    assert captures == {"model": "ChatGPT", "vendor": "OpenAI"}
    assert "ChatGPT" in rule.render(captures)
    assert "OpenAI" in rule.render(captures)
    assert "{" not in rule.render({})


def test_published_schema_is_the_model() -> None:
    published = json.loads(
        (Path(__file__).parents[2] / "dataaudit/rules/pack.schema.json").read_text("utf-8")
    )
    assert published == json.loads(json.dumps(pack_schema()))
    model = {name for name in Rule.__struct_fields__ if name not in ("pack", "pack_version", "licence")}
    assert set(published["$defs"]["rule"]["properties"]) == model


@pytest.mark.parametrize("path", sorted(packs_dir().glob("*.yaml")), ids=lambda path: path.name)
def test_packs_satisfy_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator(pack_schema()).validate(yaml.safe_load(path.read_text("utf-8")))


def _texts(path: Path) -> list[str]:
    raw = path.read_text("utf-8")
    rows = json.loads(raw) if path.suffix == ".json" else [json.loads(line) for line in raw.splitlines()]
    return list(_strings(rows))


def _strings(value: object):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def test_counts_on_model_text(real_data: Path) -> None:
    path = real_data / "model_text/alpaca_eval_17_models.jsonl"
    outputs = [json.loads(line)["output"] for line in path.open(encoding="utf-8")]
    found = {
        m.rule.id: len(set(m.strings.tolist())) for m in Matcher(RULES).scan(array(*outputs), "response")
    }
    assert {name: found.get(name, 0) for name in SEED} == {
        "chat-inst-block": 0,
        "self-as-an-ai-assistant": 38,
        "refusal-cannot-and-will-not": 0,
    }
    assert found["self-as-an-ai-language-model"] == 170
    assert found["chat-hash-role-headers"] == 40


@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("brown.jsonl", 0),
        ("dolly_train.json", 0),
        ("gsm8k_train.jsonl", 0),
        ("gsm8k_test.jsonl", 0),
        # LIMA holds replies that people wrote in an assistant's voice.
        ("lima_train.json", 8),
    ],
)
def test_contamination_is_rare_in_human_text(real_data: Path, file: str, most: int) -> None:
    rules = [rule for rule in RULES if rule.counts_as_contamination]
    texts = array(*_texts(real_data / "human_text" / file))
    hit = {at for m in Matcher(rules).scan(texts, "text") for at in m.strings.tolist()}
    assert len(hit) <= most, [texts[at].as_py()[:200] for at in sorted(hit)]


def test_secrets_and_personal_data_are_off_and_redacted() -> None:
    rules = [rule for rule in RULES if rule.category in ("secret", "pii")]
    assert len(rules) >= 25
    assert {(rule.pack, rule.default, rule.action) for rule in rules} == {
        ("secrets-and-pii", False, "redact")
    }


def test_six_languages_besides_english_have_refusals_and_models_that_speak_of_themselves() -> None:
    languages = ("german", "french", "spanish", "chinese", "japanese", "russian")
    for language in languages:
        for kind in ("self", "refusal"):
            rule = BY_ID[f"{kind}-{language}"]
            assert {language, "unmeasured-recall"} <= set(rule.tags)
            assert rule.confidence != "high"
