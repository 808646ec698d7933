"""Markdown pages about rules: an index of packs, and a page per pack with a section per rule under fixed headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dataaudit.report.escape import visible
from dataaudit.report.numbers import plural
from dataaudit.rules.evidence import Evidence, in_words
from dataaudit.rules.model import ANY_ROLE, Example, Exemption, Pattern, RowExample, Rule

INDEX = "README.md"
MADE = "Made by `dataaudit rules docs`."
LONGEST = 400
"""Characters of an example that are shown."""

_SIGNS = re.compile(r"([\\`*_\[\]|])")

BY_CATEGORY = {
    "chat-marker": """\
Where whole chats are meant to stand in a field as text, declare them (`--columns chat=PATH`): their turns are read
then, and their markers are structure. Data that explains chat formats is best allowed by its source.""",
    "model-output": """\
In data that is meant to hold a model's answers (distillation, pairs of preferred and rejected answers) a hit is a habit
of that model, not contamination. People write in an assistant's voice, too: a hit says what a text reads as.""",
    "assistant-style": """\
One row says little, since people write so as well. Look at the rate over the data set, beside that of text you
know.""",
    "secret": """\
Keys and addresses that documentation gives as examples are no secrets: allow them by their text.""",
    "quality": """\
Where the data is about such characters or defects, allow the rule for that source.""",
}
"""When rules of a category are to be ignored, in lines of Markdown."""


_HEAD = f"""\
# Rules

{MADE}

What rules find, why it matters, how often each is wrong, and when to ignore it."""

NEIGHBOURS = """\
[evidence.md](../evidence.md) says how confidence follows from evidence, [suppression.md](../suppression.md) how hits
are allowed, and [writing-rules.md](../writing-rules.md) how a rule is written."""
"""Of the shipped packs alone: their pages lie among the other pages of the project."""


def pages(
    rules: Sequence[Rule], descriptions: Mapping[str, str], evidence: Evidence, more: str = ""
) -> dict[str, str]:
    """File name → text of the page. `descriptions` are those of the packs, `more` is Markdown for the index.

    Text of packs is escaped: it may hold what Markdown would read.
    """
    packs: dict[str, list[Rule]] = {}
    for rule in rules:
        packs.setdefault(rule.pack, []).append(rule)
    made = {INDEX: _index(packs, descriptions, more)}
    for name, held in packs.items():
        made[f"{name}.md"] = (
            "\n".join(_page(name, held, descriptions.get(name, ""), evidence)).rstrip() + "\n"
        )
    return made


def _index(packs: Mapping[str, Sequence[Rule]], descriptions: Mapping[str, str], more: str) -> str:
    lines = [_HEAD, *([more] if more else []), ""]
    lines += ["| pack | rules | on by default | what it holds |", "| --- | ---: | ---: | --- |"]
    for name, held in packs.items():
        on = sum(rule.default for rule in held)
        lines.append(f"| [{name}]({name}.md) | {len(held)} | {on} | {_text(descriptions.get(name, ''))} |")
    present = {rule.category for held in packs.values() for rule in held}
    lines += ["", "## When to ignore hits", "", "By category; what a single rule adds is said beside it.", ""]
    for category, text in BY_CATEGORY.items():
        if category in present:
            lines += [f"### {category}", "", text, ""]
    return "\n".join(lines).rstrip() + "\n"


def _page(name: str, rules: Sequence[Rule], description: str, evidence: Evidence) -> Iterator[str]:
    yield from (f"# {name}", "", MADE, "")
    if description:
        yield from (_text(description), "")
    yield from (
        "| rule | severity | confidence | people's text | models' text |",
        "| --- | --- | --- | ---: | ---: |",
    )
    for rule in rules:
        yield f"| [{rule.id}](#{rule.id}) | {rule.severity} | {rule.confidence} | {_cells(rule, evidence)} |"
    yield ""
    for rule in rules:
        yield from _section(rule, evidence)


def _cells(rule: Rule, evidence: Evidence) -> str:
    found = evidence.of(rule)
    if found is None:
        return "not measured | "
    return f"{found.human.hits:,} of {found.human.of:,} | {found.model.hits:,} of {found.model.of:,}"


def _section(rule: Rule, evidence: Evidence) -> Iterator[str]:
    yield from (f"## {rule.id}", "")
    facts = [_text(rule.name), rule.category, f"{rule.severity} severity", f"{rule.confidence} confidence"]
    facts += ["counts as contamination"] if rule.counts_as_contamination else []
    facts += [] if rule.default else ["off by default"]
    facts += [] if rule.action == "flag" else [f"clean: {rule.action}"]
    yield from (" · ".join(facts), "")
    yield from (
        "**What it finds.** " + _text(rule.render({})),
        "",
    )
    yield from _fenced([_pattern(one) for one in rule.patterns])
    yield from _conditions(rule)
    yield from ("**Why it matters.** " + _text(rule.why), "")
    yield from ("**Evidence.** " + _evidence(rule, evidence), "")
    yield from ("**Example.** A text that is hit, and one that is not:", "")
    yield from _fenced([_example(rule.hits[0]), _example(rule.misses[0])])
    yield from ("**When to ignore it.** " + " ".join(_ignore(rule, evidence)), "")
    if rule.references:
        yield from ("References: " + ", ".join(f"<{one}>" for one in map(visible, rule.references)), "")


def _conditions(rule: Rule) -> Iterator[str]:
    """Where the patterns look, and what else must hold."""
    roles = "all text" if ANY_ROLE in rule.roles else ", ".join(rule.reads)
    said = [f"Searched in: {roles}."]
    for named, words in ((rule.needs, "Only with"), (rule.unless, "Not with")):
        if named:
            said.append(f"{words} {', or '.join(_inline(_pattern(one)) for one in named)}.")
    if rule.validate is not None:
        said.append(f"The match must pass the {rule.validate} checksum.")
    yield from (" ".join(said), "")


def _evidence(rule: Rule, evidence: Evidence) -> str:
    words = in_words(rule, evidence).rstrip(".")
    text = words[0].upper() + words[1:] + "."
    if rule.basis == "documented":
        text += " Its confidence rests on a documented token or form."
    return _text(text)


def _ignore(rule: Rule, evidence: Evidence) -> Iterator[str]:
    """What the author says, and what follows from the fields of the rule and from its evidence."""
    own = bool(rule.ignore_when or rule.quotable)
    if rule.ignore_when:
        yield _text(rule.ignore_when)
    if rule.quotable:
        yield (
            "Text about language models quotes what it finds: `--ignore-quoted` passes over Markdown code and "
            "quotation marks."
        )
    found = evidence.of(rule)
    if found is not None and found.human.hits:
        own = True
        share = found.human.of / found.human.hits
        yield f"People wrote it in 1 of {share:,.0f} documents: expect such hits in their text."
    if rule.category in BY_CATEGORY:
        yield f"{'Else as' if own else 'As'} all [{rule.category}]({INDEX}#{rule.category}) rules."
    elif not rule.ignore_when and not rule.quotable:
        yield "Where the data is meant to hold it: allow it for that source, with the reason."


def _pattern(pattern: Pattern) -> str:
    more: list[str] = list(pattern.flags)
    more += [] if pattern.where == "anywhere" else [f"where: {pattern.where}"]
    if isinstance(pattern, Exemption) and pattern.within is not None:
        more.append(f"within {plural(pattern.within, 'character')}")
    return pattern.pattern + (f"   ({', '.join(more)})" if more else "")


def _example(example: Example) -> str:
    if isinstance(example, RowExample):
        return "; ".join(f"{role}: {text}" for role, text in example.strings)
    return example


def _fenced(texts: Sequence[str]) -> Iterator[str]:
    """Texts as they are, one a line, in a fence that none of them can close."""
    shown = [_cut(visible(text)) for text in texts]
    longest = max((len(run) for text in shown for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", *shown, fence, "")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def _inline(text: str) -> str:
    """Code in a line."""
    shown = _cut(visible(text))
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _text(text: str) -> str:
    """A text as Markdown shows it, letter by letter."""
    return _SIGNS.sub(r"\\\1", visible(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
