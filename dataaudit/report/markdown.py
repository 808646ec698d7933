"""The report as GitHub-flavoured Markdown, for comments of a CI job: short enough for one, safe to post.

All text from data and from rule packs is escaped; see `escape.markdown` and `escape.code`.
"""

from __future__ import annotations

from dataaudit.records.findings import Example, Finding
from dataaudit.report import words
from dataaudit.report.escape import code, markdown, visible_span
from dataaudit.report.model import Report
from dataaudit.report.numbers import plural, seconds, size

ROWS_LISTED = 50
DETAILED = 10
EXCERPT = 120
"""Characters of an excerpt. With the limits above a report fits GitHub's 65,536 characters per comment."""
FILES_LISTED = 20
NOTES_LISTED = 20
NAME = 120
"""Characters of a name or message from data; the JSON report has them whole."""

_SIGNS = {"pass": "✅", "fail": "❌", "no-gate": "⚪"}
_OUTCOMES = {"pass": "✅ pass", "fail": "❌ fail", "not-evaluated": "⚠️ not evaluated"}


def to_markdown(report: Report) -> str:
    """The report as Markdown, ending in a line feed. The verdict is the heading."""
    parts = [_verdict(report), _read(report)]
    if report.gates:
        parts.append(_gates(report))
    parts.append(_findings(report))
    if report.not_evaluated:
        parts.append(_not_evaluated(report))
    if report.allowed:
        parts.append(_allowed(report))
    if report.notes:
        parts.append(
            "**Notes**\n\n" + "\n".join(f"- {markdown(_short(n))}" for n in report.notes[:NOTES_LISTED])
        )
    steps = words.next_steps(report)
    if steps:
        parts.append(
            "**Next**\n\n" + "\n".join(f"- {code(s.command)} – {markdown(s.purpose)}" for s in steps)
        )
    return "\n\n".join(parts) + "\n"


def _verdict(report: Report) -> str:
    word = words.VERDICTS.get(report.status, report.status.upper())
    heading = f"### {_SIGNS.get(report.status, '⚠️')} dataaudit: {word} – {markdown(words.verdict(report))}"
    note = words.sample_note(report)
    return f"{heading}\n\n{markdown(note)}" if note else heading


def _read(report: Report) -> str:
    parts = [plural(len(report.sources), "file"), plural(report.rows, "row")]
    if report.malformed:
        parts.append(f"{report.malformed:,} malformed")
    if report.timing.bytes:
        parts.append(size(report.timing.bytes))
    parts.append(seconds(report.timing.seconds))
    lines = [
        "<details><summary>Read " + " · ".join(parts) + "</summary>",
        "",
        "| file | rows | malformed | layout | roles |",
        "| :-- | --: | --: | :-- | :-- |",
    ]
    for source in report.sources[:FILES_LISTED]:
        roles = "; ".join(f"{role}: {paths}" for role, paths in source.roles.items())
        lines.append(
            f"| {code(_short(source.uri))} | {source.rows:,} | {source.malformed:,} "
            f"| {code(_short(source.layout))} | {code(_short(roles))} |"
        )
    lines.append("")
    if len(report.sources) > FILES_LISTED:
        lines.append(f"and {plural(len(report.sources) - FILES_LISTED, 'more file')}\n")
    for source in [s for s in report.sources if s.error][:FILES_LISTED]:
        lines.append(f"- {code(_short(source.uri))}: {markdown(_short(source.error or ''))}")
    lines.append("</details>")
    return "\n".join(lines)


def _gates(report: Report) -> str:
    lines = ["| gate | outcome | compared | rows |", "| :-- | :-- | :-- | --: |"]
    for gate in report.gates[:ROWS_LISTED]:
        outcome = _OUTCOMES.get(gate.outcome, markdown(gate.outcome))
        compared, basis = markdown(words.comparison(gate)), markdown(words.gate_basis(gate))
        lines.append(f"| {code(_short(gate.name))} | {outcome} | {compared} | {basis} |")
    return "\n".join(lines)


def _findings(report: Report) -> str:
    if not report.findings:
        return "No findings."
    lines = ["| severity | finding | rows | share |", "| :-- | :-- | --: | --: |"]
    for finding in report.findings[:ROWS_LISTED]:
        sure = "" if finding.confidence == "high" else f" ({markdown(finding.confidence)} confidence)"
        lines.append(
            f"| {markdown(finding.severity)} | {code(_short(finding.id))}{sure} "
            f"| {markdown(words.figures(finding))} | {markdown(words.share(finding))} |"
        )
    if len(report.findings) > ROWS_LISTED:
        lines.append(f"\nand {plural(len(report.findings) - ROWS_LISTED, 'more finding')}")
    heads = [group.head for group in words.fold(report.findings)][:DETAILED]
    return "\n".join(lines) + "\n\n" + "\n\n".join(map(_detail, heads))


def _detail(finding: Finding) -> str:
    lines = [
        f"<details><summary>{code(_short(finding.id))} {markdown(_short(finding.title))}</summary>",
        "",
        markdown(_short(words.sentence(finding.message), 3 * NAME)),
        "",
        markdown(_short(finding.why, 3 * NAME)),
        "",
    ]
    lines += [f"- {_example(example)}" for example in finding.examples[:2]]
    lines += ["", "</details>"]
    return "\n".join(lines)


def _example(example: Example) -> str:
    parts = [code(_short(words.place(example)))]
    for extra in (words.origin(example), words.remark(example)):
        if extra:
            parts.append(code(_short(extra)))
    excerpt = ""
    if example.text is not None:
        before, match, after = visible_span(example.text, example.mark)
        if match:
            match = _short(match, EXCERPT // 2)
            half = (EXCERPT - len(match)) // 2
            before = before if len(before) <= half else "…" + before[len(before) - half :]
            # Empty pieces are left out by `code`.
            excerpt = f": {code(before)}<b>{code(match)}</b>{code(_short(after, half))}"
        else:
            excerpt = f": {code(_short(before, EXCERPT))}"
    return " · ".join(parts) + excerpt


def _not_evaluated(report: Report) -> str:
    entries = sorted(report.not_evaluated, key=lambda entry: (not entry.incomplete, entry.id))
    lines = [
        f"- {code(_short(entry.id))}: {markdown(_short(entry.reason))}" for entry in entries[:NOTES_LISTED]
    ]
    if len(entries) > NOTES_LISTED:
        lines.append(f"- and {len(entries) - NOTES_LISTED:,} more")
    return "**Not evaluated**\n\n" + "\n".join(lines)


def _allowed(report: Report) -> str:
    lines = ["**Allowed by the configuration**\n"]
    for entry in report.allowed[:NOTES_LISTED]:
        hits = (
            f"{markdown(words.allowed_hits(entry))}: {markdown(_short(words.allowed_why(entry), 2 * NAME))}"
        )
        lines.append(f"- {code(_short(words.allowed_what(entry)))} {hits}")
    if len(report.allowed) > NOTES_LISTED:
        lines.append(f"- and {len(report.allowed) - NOTES_LISTED:,} more")
    return "\n".join(lines)


def _short(text: str, limit: int = NAME) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
