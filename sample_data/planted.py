"""What is wrong in the sample data, row by row: `make.py` applies these tables and derives `expected.json`.

Row numbers are 0-based within the file. A text in `CONTAMINATED` takes the row's own words as `{prompt}` and
`{response}`. No row is in two tables, so each finding can be traced to one line here.
"""

from __future__ import annotations

SHARDS = ("assistant_dataset/data-00000-of-00002.arrow", "assistant_dataset/data-00001-of-00002.arrow")
CHAT = "chat.jsonl"
INSTRUCT = "instruct.parquet"
LABELLED = "labelled.jsonl"
FILES = (*SHARDS, CHAT, INSTRUCT, LABELLED)
"""In the order in which a scan of the folder reads them: by the bytes of the path."""

INST = "chat-inst-block"
CHATML = "chat-chatml-tokens"
LLAMA3 = "chat-llama3-tokens"
SELF = "self-as-an-ai-assistant"
REFUSAL = "refusal-cannot-and-will-not"

_INST = "[INST] {prompt} [/INST] {response}"
_INST_LINES = "{response}\n[INST]\n{prompt}\n[/INST]"
_CHATML = "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{response}<|im_end|>"
_CHATML_END = "{response}<|im_end|>"
_LLAMA3 = "<|start_header_id|>assistant<|end_header_id|>\n\n{response}"
_SELF = "As an AI assistant, I have no garden of my own. {response}"
_SELF_LATE = "{response} As an AI assistant, I have not tried it."
_REFUSAL = "I cannot and will not choose for you. {response}"
_REFUSAL_LATE = "{response} I cannot and will not say more on that."

CONTAMINATED: dict[str, dict[int, tuple[tuple[str, ...], str]]] = {
    SHARDS[0]: {10: ((INST,), _INST), 30: ((SELF,), _SELF), 51: ((REFUSAL,), _REFUSAL_LATE)},
    SHARDS[1]: {8: ((CHATML,), _CHATML_END), 40: ((LLAMA3,), _LLAMA3)},
    CHAT: {
        37: ((INST,), _INST),
        64: ((CHATML,), _CHATML),
        90: ((LLAMA3,), _LLAMA3),
        150: ((SELF,), _SELF),
        199: ((REFUSAL,), _REFUSAL),
        233: ((CHATML,), _CHATML_END),
        281: ((INST,), _INST_LINES),
        333: ((SELF,), _SELF_LATE),
        402: ((CHATML,), _CHATML),
        455: ((LLAMA3,), _LLAMA3),
        512: ((REFUSAL,), _REFUSAL_LATE),
        # One row, two rules: it counts once in the contamination rate.
        540: ((INST, SELF), _INST + " As an AI assistant, I stop here."),
    },
    INSTRUCT: {
        22: ((INST,), _INST),
        77: ((CHATML,), _CHATML),
        160: ((LLAMA3,), _LLAMA3),
        205: ((SELF,), _SELF),
        260: ((REFUSAL,), _REFUSAL),
        310: ((INST,), _INST_LINES),
        450: ((CHATML,), _CHATML_END),
        470: ((REFUSAL,), _REFUSAL_LATE),
        580: ((SELF,), _SELF_LATE),
    },
    LABELLED: {
        55: ((SELF,), _SELF_LATE),
        123: ((CHATML,), _CHATML_END),
        288: ((LLAMA3,), _LLAMA3),
        402: ((REFUSAL,), _REFUSAL_LATE),
        610: ((INST,), "[INST] {response} [/INST]"),
    },
}

EXACT: dict[str, dict[int, tuple[str, int]]] = {
    SHARDS[1]: {20: (SHARDS[0], 3), 60: (SHARDS[1], 9)},
    CHAT: {270: (CHAT, 12), 271: (CHAT, 12), 590: (CHAT, 100)},
    INSTRUCT: {330: (INSTRUCT, 5), 599: (INSTRUCT, 140)},
    LABELLED: {200: (LABELLED, 14), 201: (LABELLED, 14), 699: (LABELLED, 88)},
}
"""Row → the earlier row it repeats: within a file, across row groups, across the shards of one dataset."""

NORMALISED: dict[str, dict[int, tuple[str, int]]] = {
    SHARDS[1]: {47: (SHARDS[0], 66)},
    CHAT: {301: (CHAT, 45)},
    INSTRUCT: {402: (INSTRUCT, 33)},
    LABELLED: {520: (LABELLED, 10)},
}
"""Row → the earlier row from which it differs in case and white space only."""

TURN_ORDER = {350: "a second user message straight after the first"}
UNANSWERED = {360: "the chat ends before anyone answers"}
EMPTY_RESPONSE: dict[str, int] = {SHARDS[1]: 33, CHAT: 370, INSTRUCT: 500}
"""File → a row with a prompt and an empty response: like an unanswered chat, it has no response."""
EMPTY_TEXT: dict[str, int] = {LABELLED: 440}
"""File → a row whose only text is an empty string. (A row that still has a prompt is not without text.)"""
REPLACEMENT: dict[str, int] = {CHAT: 380, LABELLED: 350}
"""File → a row in which U+FFFD stands for a letter some earlier program could not decode."""

MALFORMED: dict[int, str] = {410: "invalid-json", 420: "not-an-object", 430: "invalid-utf8"}
"""Rows of chat.jsonl: a line cut off, an array of messages without its object, a byte that is not UTF-8."""
BLANK_LINE_AFTER = 299
"""chat.jsonl has one blank line after this row: from there on a row's line number is one higher."""

NEAR_MISSES: tuple[str, ...] = (
    "The form asks for the reference [INST-204] and a date.",
    "Lines between [INSTALL] and [/INSTALL] belong to the fitter.",
    "The evening class on AI in the town hall starts at seven.",
    "As an assistant in a bakery one starts at four in the morning.",
    "The council cannot, and the owner will not, repair that wall.",
    "Turn the dial past <start> until it points at the bar marked |end|.",
    "He noted [1, 2] and {{3}} beside the drawing.",
)
"""Harmless sentences that look a little like a marker; each is appended to a row of every file."""
NEAR_MISS_FROM: dict[str, int] = {SHARDS[0]: 52, SHARDS[1]: 10, CHAT: 560, INSTRUCT: 520, LABELLED: 560}

LABEL_COUNTS = {"delivery": 560, "billing": 95, "cancellation": 40, "fraud": 5}
"""Labels of labelled.jsonl after planting; 560 : 5 = 112 is the imbalance."""
