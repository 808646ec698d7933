"""The scripts behind docs/benchmarks.md: packs of any size load, pictures are well formed, no section is missing."""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dataaudit.rules.load import load_packs, packs_dir

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


def test_packs_of_any_number_of_rules_load(tmp_path: Path) -> None:
    import rulesets

    shipped = len(load_packs())
    for count in (6, shipped + 20):
        path = rulesets.write(packs_dir(), count, tmp_path / f"{count}.yaml")
        rules = load_packs([path], shipped=False, verify=False)
        assert len(rules) == len({rule.id for rule in rules}) == count
        assert all(rules[0].tags == rule.tags == (rulesets.TAG,) for rule in rules)


def test_plots_are_well_formed() -> None:
    from plots import Line, plot

    picture = plot("A & B", "x", "MB/s", [Line("<one>", [(1, 2.0), (10, 8.5)]), Line("two", [(1, 30.0)])])
    root = ElementTree.fromstring(picture)
    assert root.tag.endswith("svg")
    drawn = [one for one in root.iter() if one.tag.endswith("polyline")]
    assert [len(one.attrib["points"].split()) for one in drawn] == [2, 1]
    assert "<one>" in [one.text for one in root.iter()]


def test_the_page_has_a_section_per_group(tmp_path: Path) -> None:
    import measure
    import report
    from cases import GROUPS, Case
    from generate import Made

    made = Made(tmp_path, tmp_path, 1000, 2_000_000)
    names = {
        "reading": ["read-jsonl", "rules-jsonl", "read-parquet", "rules-parquet"],
        "checks": ["scan-jsonl", "scan-jsonl-one", "clean-jsonl"],
        "peers": ["scan-small", "datatrove-minhash", "rules-small", *report.PEERS],
        "size": [f"{name}-size-{share}" for name in ("rules", "scan") for share in (1, 10, 100)],
        "rules": ["rules-6", "rules-60", "rules-600"],
        "rows": ["rules-short"],
    }
    timed = [
        Case(name, group, f"title of {name}", [], made, note={"rules": 6.0})
        for group, those in names.items()
        for name in those
    ]
    costs = {case.name: [measure.Cost(i + 1.0, i + 1.0, 10.0, 0)] * 3 for i, case in enumerate(timed)}
    args = argparse.Namespace(
        mb=2.0, peer_mb=1.0, rows_mb=2.0, repeat=3, texts=None, tool="nowhere/dataaudit", work=tmp_path,
        groups=list(names),
    )  # fmt: skip
    (tmp_path / "clean-out").mkdir()
    (tmp_path / "clean-out" / "manifest.json").write_text('{"totals": {"quarantined": 1, "rows": 20}}')
    told = report.Told(args, timed, costs, None)
    page = report.render(told)
    assert page.count("\n## ") == len(names) == len(GROUPS)
    both = (
        sum(costs[name][0].wall for name in ("datatrove", "datatrove-minhash")) / costs["scan-jsonl"][0].wall
    )
    assert f"| patterns under `re`, and MinHash | {both:.0f} | {both:.0f} |" in page
    assert "| JSONL | 2.00 | 2.00 |" in page
    assert all(case.title in page for case in timed)
    for picture in report.pictures(told).values():
        ElementTree.fromstring(picture)
