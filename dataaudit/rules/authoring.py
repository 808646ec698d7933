"""For authors of rules: correct the confidence of packs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dataaudit.rules.evidence import Evidence, agrees, earned
from dataaudit.rules.load import load_pack, pack_files, packs_dir
from dataaudit.rules.yamlfile import read_document

_CONFIDENCE = re.compile(r"(\bconfidence:\s*)\w+")


def set_confidence(extra: Sequence[str], evidence: Evidence) -> Iterator[tuple[Path, int]]:
    """Rewrite `confidence` of the rules of packs, shipped ones included, to what the evidence gives. Nothing else
    of the files changes. Yields (file, 1-based line) of each correction.

    Raises:
        RuleError: A pack is not valid.
    """
    files = dict.fromkeys(path for folder in (packs_dir(), *map(Path, extra)) for path in pack_files(folder))
    for path in files:
        document = read_document(path)
        lines = path.read_text("utf-8").splitlines(keepends=True)
        corrected = []
        for i, rule in enumerate(load_pack(document, verify=False)):
            found = evidence.of(rule)
            if found is not None and not agrees(rule, found):
                fits = earned(rule, found)
                line = document.line(("rules", i, "confidence"))
                lines[line - 1] = _CONFIDENCE.sub(rf"\g<1>{fits}", lines[line - 1], count=1)
                corrected.append(line)
        if corrected:
            path.write_text("".join(lines), "utf-8")
        yield from ((path, line) for line in corrected)
