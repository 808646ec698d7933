"""What the tests on real data share."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import dataaudit
from dataaudit.report.json_format import to_dict

ALPACA = "model_text/alpaca_eval_17_models.jsonl"
LINES = (
    "human_text/brown.jsonl",
    "human_text/gsm8k_test.jsonl",
    "human_text/gsm8k_train.jsonl",
    "leaks/codealpaca_nearest_to_humaneval.jsonl",
    "leaks/humaneval_js.jsonl",
    "leaks/humaneval_python.jsonl",
    "leaks/rephrase_gsm8k.jsonl",
    "leaks/wizardmath_gsm8k_test.jsonl",
    "generations/novelty_bench_gemini_1.5_pro.jsonl",
    ALPACA,
)
"""Every file of JSON Lines that is not compressed."""
OTHERS = (
    "benchmarks/humaneval.jsonl.gz",
    "benchmarks/gsm8k_test-1.jsonl.gz",
    "benchmarks/mmlu_validation-1.jsonl.gz",
    "preference/hh_harmless_base_test.jsonl.gz",
    "formats/hf_save_to_disk",
)


def scanned(source: Path | list[Path], **options: Any) -> dict[str, Any]:
    """The report of a scan in this process, in its published shape."""
    named = [str(one) for one in source] if isinstance(source, list) else str(source)
    return to_dict(dataaudit.scan(named, **options))


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON Lines file, read by the standard library."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.decode("utf-8").split("\n") if line]
