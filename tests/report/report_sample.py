"""A report with something in every place, built by hand."""

from __future__ import annotations

from dataclasses import replace

from dataaudit.records.findings import Allowed, Evaluated, Example, Finding, LabelInfo, NotEvaluated
from dataaudit.report.gates import GateSpec, evaluate, status
from dataaudit.report.model import Rate, Report, SourceInfo, Timing
from dataaudit.report.rank import rank

OF = 13_685


def finding(
    finding_id: str, severity: str = "medium", rows: int | None = 10, of: int = OF, **extra: object
) -> Finding:
    base = Finding(
        id=finding_id,
        check=str(extra.pop("check", "rules")),
        category=str(extra.pop("category", "quality")),
        severity=severity,
        confidence=str(extra.pop("confidence", "high")),
        title=str(extra.pop("title", "")),
        message=str(extra.pop("message", "What was found, in one sentence.")),
        why=str(extra.pop("why", "Why it matters for training.")),
        rows=rows,
        of=of,
    )
    return replace(base, **extra)  # type: ignore[arg-type]


def example(text: str | None = None, match: str = "", **extra: object) -> Example:
    mark = None
    if text is not None and match:
        start = text.index(match)
        mark = (start, start + len(match))
    base = Example("train.jsonl", 1203, 1204, "output", "response", mark, text, mark)
    return replace(base, **extra)  # type: ignore[arg-type]


def duplicates(name: str, rows: int, severity: str = "medium", **extra: object) -> Finding:
    return finding(name, severity, rows, check=name.partition(":")[0], category="duplicates", **extra)


FINDINGS = rank(
    [
        finding(
            "llama-inst-tag",
            "critical",
            38,
            category="chat-marker",
            title="Llama [INST] tag",
            message="Instruction tags of the Llama 2 chat template stand in the text of a response.",
            matches=112,
            by_source={"train.jsonl": 30, "dev.jsonl": 5, "data/test-00000-of-00001.parquet": 3},
            examples=(
                example(
                    "Sure! Here is the summary you asked for. [INST] Now write the same as a poem in four "
                    "lines that rhyme, and keep the tone light and warm. [/INST] The sun came up at sea",
                    "[INST]",
                ),
                example("<s>[INST] What is 2 + 2? [/INST] 4 </s>", "[INST]", row=9, line=10),
            ),
        ),
        finding(
            "aws-access-key",
            "critical",
            2,
            category="secret",
            message="An AWS access key ID stands in the text; its secret is often close by.",
            examples=(example("export AWS_ACCESS_KEY_ID=AKIA****************", "AKIA****************"),),
        ),
        finding(
            "as-an-ai-assistant",
            "high",
            38,
            category="model-output",
            title="Assistant self-reference",
            message="The text speaks of itself as an AI assistant.",
            examples=(
                example(
                    "I am sorry, but as an AI assistant I have no body.",
                    "as an AI assistant",
                    row=77,
                    line=78,
                ),
            ),
        ),
        finding(
            "split-leakage",
            "high",
            2,
            of=OF,
            check="split-leakage",
            category="leakage",
            message="Rows of one split equal rows of another.",
            by_split={"train": 1, "test": 1},
            examples=(Example("data/test-00000-of-00001.parquet", 17, twin=("train.jsonl", 8_812)),),
        ),
        duplicates(
            "exact-duplicates",
            79,
            message="Rows equal an earlier row in every role.",
            examples=(Example("train.jsonl", 805, 806, twin=("train.jsonl", 0), text="What is 2 + 2?"),),
        ),
        duplicates("exact-duplicates:response", 908),
        duplicates("exact-duplicates:response:normalised", 919),
        duplicates("exact-duplicates:prompt", 12_880),
        finding(
            "class-imbalance",
            "medium",
            None,
            check="class-imbalance",
            category="labels",
            message="The most frequent class of label has 36 times the rows of the least frequent one.",
            value=36.2,
            limit=10.0,
        ),
        finding("empty-response", "medium", 3, confidence="medium", message="The response is empty."),
        finding(
            "malformed-record",
            "high",
            3,
            of=13_688,
            check="malformed-record",
            category="structure",
            message="cannot be parsed as records (not-an-object 3)",
            action="drop",
            examples=(Example("train.jsonl", 44, 45, note="not-an-object", text="[1, 2"),),
        ),
        finding("very-short-response", "low", 271, confidence="low", message="Fewer than five words."),
        finding("non-nfc-text", "info", 1, message="Text is not in normal form C."),
    ]
)

ROLES = {"prompt": "instruction, input", "response": "output"}

SOURCES = (
    SourceInfo(
        "train.jsonl", 12_000, 3, "instruction/response", ROLES, "train", "jsonl", 15_000_000, unread=("id",)
    ),
    SourceInfo(
        "dev.jsonl", 1_000, 0, "instruction/response", ROLES, "dev", "jsonl", 1_200_000, unread=("id",)
    ),
    SourceInfo(
        "data/test-00000-of-00001.parquet",
        685,
        0,
        "chat messages",
        {"system": "messages[*].content", "prompt": "messages[*].content", "response": "messages[*].content"},
        "test",
        "parquet",
        1_400_000,
        notes=("`text` and `messages` both hold text; `messages` was read",),
    ),
)

RATES = {
    "contamination": Rate(38, OF, 38 / OF),
    "chat-marker": Rate(38, OF, 38 / OF),
    "model-output": Rate(38, OF, 38 / OF),
    "quality": Rate(300, OF, 300 / OF),
    "secret": Rate(2, OF, 2 / OF),
}

EVALUATED = (
    *(Evaluated(f.id, f.check, f.category, f.rows, f.of) for f in FINDINGS),
    Evaluated("chatml-token", "rules", "chat-marker", 0, OF),
    Evaluated("no-system-prompt", "rules", "quality", 0, 0),
)

SPECS = (
    GateSpec("contamination", "rate", 0.001),
    GateSpec("exact-duplicates", "count", 100),
    GateSpec("no-system-prompt", "rate", 0.01),
    GateSpec("fail-on", "severity", "critical"),
)

GATES = tuple(evaluate(spec, RATES, FINDINGS, EVALUATED) for spec in SPECS)

REPORT = Report(
    status=status(GATES, incomplete=False, rows_evaluated=OF),
    rows=13_688,
    malformed=3,
    sources=SOURCES,
    rates=RATES,
    gates=GATES,
    findings=FINDINGS,
    evaluated=EVALUATED,
    not_evaluated=(
        NotEvaluated("near-duplicates", "switched off with --ignore"),
        NotEvaluated("no-system-prompt", "no row has a system prompt"),
        NotEvaluated("tool-call-marker", "no row has a system prompt"),
    ),
    labels=(
        LabelInfo(
            "label",
            5_574,
            2,
            {"ham": 4_827, "spam": 747},
            4827 / 747,
            0.568,
            1.48,
            {"train": {"ham": 4_827, "spam": 747}},
        ),
        LabelInfo(
            "intent",
            10_525,
            150,
            {f"intent_{i}": 360 - i * 7 for i in range(50)} | {"greeting": 10},
            36.0,
            0.9,
            120.5,
            split_distance={"test|train": 0.31},
        ),
    ),
    notes=("hyperscan has no wheel for this platform: rules were matched with the reference path",),
    allowed=(
        Allowed("chat-marker", "Pages about [red]templates[/]\x1b[31m", "used", "docs/**", hits=12, rows=10),
        Allowed("secret", "Keys of examples", "expired", None, "messages", "EXAMPLE|x", "2025-01-31", 2, 2),
        Allowed("refusals", "Old", "unused", why="no hit matched it"),
    ),
    options={"max-rate": ["contamination=0.1%"], "select": [], "seed": 0},
    timing=Timing("2026-01-01T00:00:00Z", 1.24, 17_600_000, 2),
    tool_version="0.1.0",
)
