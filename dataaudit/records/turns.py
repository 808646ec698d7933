"""The names chat turns go by, and the roles they mean."""

from __future__ import annotations

from dataaudit.records.types import ROLE_CODE

TURN_ROLES: dict[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "prompt",
    "human": "prompt",
    "prompter": "prompt",
    "question": "prompt",
    "instruction": "prompt",
    "assistant": "response",
    "gpt": "response",
    "model": "response",
    "bot": "response",
    "chatgpt": "response",
    "chatbot": "response",
    "ai": "response",
    "bing": "response",
    "bard": "response",
    "answer": "response",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
    "function_call": "response",
    "tool_call": "response",
    "function_response": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
}
"""Role names as chat templates and ShareGPT exports write them (lower case) → role."""

ROLE_KEYS = ("role", "from", "speaker", "author", "sender")
CONTENT_KEYS = ("content", "value", "text", "message", "parts")
THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking", "thought", "thoughts")
"""Where a turn says what it thinks before it answers."""
CALL_KEYS = ("tool_calls", "function_call", "tool_call")
"""Where a turn without text says what it calls."""
SPOKEN_KEYS = (*CONTENT_KEYS, *THOUGHT_KEYS)
"""What is read under the role of the turn."""
MASK_KEYS = ("weight", "mask", "masked", "train", "trainable", "training", "loss", "loss_weight", "learn")
"""Fields that say whether a turn is trained on."""
PAIR_KEYS: dict[str, str] = {
    "system": "system",
    "human": "human",
    "user": "user",
    "prompt": "user",
    "instruction": "user",
    "input": "user",
    "question": "user",
    "query": "user",
    "assistant": "assistant",
    "gpt": "gpt",
    "bot": "bot",
    "output": "assistant",
    "response": "assistant",
    "answer": "assistant",
}
"""Keys of an element that holds a prompt and its response instead of one turn, in the order they are said."""

UNKNOWN_TURN_ROLE = "text"
"""Role of a turn whose name is not in the table: read, so that nothing hides in it."""


def turn_role(name: object) -> str:
    """The role of a turn by the name it carries."""
    return (
        TURN_ROLES.get(name.strip().lower(), UNKNOWN_TURN_ROLE)
        if isinstance(name, str)
        else UNKNOWN_TURN_ROLE
    )


def turn_code(name: object) -> int:
    """`ROLE_CODE` of a turn, -1 where its name is not known."""
    role = TURN_ROLES.get(name.strip().lower()) if isinstance(name, str) else None
    return -1 if role is None else ROLE_CODE[role]
