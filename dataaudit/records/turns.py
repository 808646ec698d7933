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

ROLE_KEYS = ("role", "from", "speaker")
CONTENT_KEYS = ("content", "value", "text")
CALL_KEYS = ("tool_calls", "function_call")
"""Where a turn without text says what it calls."""

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
