"""hf:// addresses, against a stand-in for the Hub: what is read, what is fetched, and every way it can fail."""

from __future__ import annotations

import gzip
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_support import Done, Report, call, command, environment, pairs, parsed, tainted
from hub_standin import StandIn, cut, slow, stand_in, status

from dataaudit.sources import fetched, hubfiles
from dataaudit.sources import hub as hub_module

CARD = b"""---
license: apache-2.0
released: 2024-05-01
configs:
- config_name: en
  default: true
  data_files:
  - split: train
    path: en/train-*.jsonl.gz
  - split: test
    path: [en/test.jsonl]
- config_name: fr
  data_files: fr/*.parquet
---
# Made up
"""


def lines(records: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def parquet(records: list[dict[str, str]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


FILES = {
    ".gitattributes": b"* text\n",
    "README.md": CARD,
    "en/test.jsonl": lines(pairs(4, 100)),
    "en/train-0.jsonl.gz": gzip.compress(lines(pairs(20))),
    "en/train-1.jsonl.gz": gzip.compress(lines([*tainted(5), *pairs(1)])),
    "extra/all.json": json.dumps(pairs(3)).encode(),
    "fr/a.parquet": parquet(pairs(7, 200)),
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    monkeypatch.setattr(hub_module, "WAITS", (0.01, 0.01))
    with stand_in() as made:
        made.add("org/made", FILES)
        monkeypatch.setenv("HF_ENDPOINT", made.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield made


def scan(*args: object, code: int = 0) -> Report:
    done = call("scan", *args, "--format", "json", "--jobs", 1)
    assert (done.returncode, done.stderr) == (code, "")
    return parsed(done.stdout)


def refused(code: int, *args: object) -> str:
    """The one line that says what is wrong."""
    done: Done = call("scan", *args)
    assert done.returncode == code, done.stderr + done.stdout
    assert done.stderr.startswith("dataaudit: ") and done.stderr.count("\n") == 1
    return done.stderr.removeprefix("dataaudit: ").strip()


def read(report: Report) -> list[tuple[str, str, int]]:
    return [(one["uri"], one["split"], one["rows"]) for one in report["sources"]]


def test_the_default_subset_is_read_under_its_commit(hub: StandIn, tmp_path: Path) -> None:
    commit = hub.commits["org/made", "main"]
    base = f"hf://datasets/org/made@{commit}"
    work = tmp_path / "work"
    report = scan("hf://datasets/org/made", "--work-dir", work)
    assert read(report) == [
        (f"{base}/en/test.jsonl", "test", 4),
        (f"{base}/en/train-0.jsonl.gz", "train", 20),
        (f"{base}/en/train-1.jsonl.gz", "train", 6),
    ]
    assert report["rates"]["contamination"]["rows"] == 5
    (finding,) = [one for one in report["findings"] if one["id"] == "exact-duplicates"]
    assert finding["examples"][0]["text"]  # rows are read again
    assert any("(not in the subset en): " in note and "fr/a.parquet" in note for note in report["notes"])
    assert list(work.iterdir()) == []
    # Every file once, and none that is not read.
    assert sorted(hub.fetched()) == [
        "README.md",
        "en/test.jsonl",
        "en/train-0.jsonl.gz",
        "en/train-1.jsonl.gz",
    ]


def test_split_and_subset_choose_and_only_those_are_fetched(hub: StandIn) -> None:
    assert scan("hf://datasets/org/made", "--subset", "fr")["rows"] == 7
    hub.asked.clear()
    assert [one[1:] for one in read(scan("hf://datasets/org/made", "--split", "test"))] == [("test", 4)]
    assert sorted(hub.fetched()) == ["README.md", "en/test.jsonl"]
    assert refused(2, "hf://datasets/org/made", "--split", "dev").endswith(
        "the split 'dev'; there is test, train"
    )
    assert refused(2, "hf://datasets/org/made", "--subset", "de").endswith(
        "no subset is named 'de'; it has en, fr"
    )


def test_a_path_names_a_file_a_folder_or_a_pattern(hub: StandIn) -> None:
    assert [one[1:] for one in read(scan("hf://datasets/org/made/fr/a.parquet"))] == [(None, 7)]
    assert sum(one[2] for one in read(scan("hf://datasets/org/made@main/en"))) == 30
    assert sum(one[2] for one in read(scan("hf://datasets/org/made/en/train-*"))) == 26
    assert [one[1:] for one in read(scan("hf://datasets/org/made/extra/all.json"))] == [(None, 3)]
    assert "no such file or folder" in refused(2, "hf://datasets/org/made/de")
    assert "not a format" in refused(2, "hf://datasets/org/made/.gitattributes")
    assert "--subset is for a whole" in refused(2, "hf://datasets/org/made/fr", "--subset", "fr")


def test_revisions(hub: StandIn) -> None:
    hub.add("org/made", {"data.jsonl": lines(pairs(2))}, "v1.0")
    hub.add("org/made", {"default/train/0.parquet": parquet(pairs(9))}, "refs/convert/parquet")
    assert scan("hf://datasets/org/made@v1.0")["rows"] == 2
    assert scan("hf://datasets/org/made", "--revision", "v1.0")["rows"] == 2
    assert scan("hf://datasets/org/made@refs/convert/parquet")["rows"] == 9
    assert scan("hf://datasets/org/made@refs%2Fconvert%2Fparquet/default")["rows"] == 9
    assert scan(f"hf://datasets/org/made@{hub.commits['org/made', 'v1.0']}")["rows"] == 2
    assert refused(2, "hf://datasets/org/made@nope").endswith("org/made has no revision 'nope'")
    assert "--revision another" in refused(2, "hf://datasets/org/made@v1.0", "--revision", "main")


def test_what_the_user_named_wrongly(hub: StandIn, tmp_path: Path) -> None:
    hub.add("org/script", {"README.md": b"# x", "script.py": b"raise SystemExit"})
    hub.add("org/empty", {"README.md": b"# x"})
    hub.add("org/broken", {"README.md": b"---\nconfigs: [\n---\n", "a.jsonl": b"{}\n"})
    assert "only a loading script is there, and code of the Hub is never run" in refused(
        2, "hf://datasets/org/script"
    )
    assert refused(2, "hf://datasets/org/empty").endswith("no data files")
    assert "README.md:3: the front matter is not YAML" in refused(2, "hf://datasets/org/broken")
    assert "no dataset org/none" in refused(2, "hf://datasets/org/none")
    for address in (
        "hf://models/org/made",
        "hf://datasets/made",
        "hf://datasets/",
        "hf://datasets/org/made@",
    ):
        assert "write it as hf://datasets/ORG/NAME" in refused(2, address)
    assert "no name of a dataset" in refused(2, "hf://datasets/org/ma--de..x")
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    assert "--revision: no source of the Hub" in refused(2, tmp_path / "a.jsonl", "--revision", "main")
    assert "has no subsets" in refused(2, tmp_path / "a.jsonl", "--subset", "en")


def test_access_that_is_refused(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.fault("/api/datasets/org/made", status(403, "GatedRepo"))
    assert "org/made is gated" in refused(3, "hf://datasets/org/made")
    hub.fault("/api/datasets/org/made", status(401, "GatedRepo"))
    assert "org/made is gated" in refused(3, "hf://datasets/org/made")
    hub.fault("/api/datasets/org/made", status(401, "RepoNotFound"))
    assert "if it is private" in refused(2, "hf://datasets/org/made")
    hub.fault("/api/datasets/org/made", status(403))
    assert "refuses access (403)" in refused(3, "hf://datasets/org/made")
    hub.faults.clear()
    hub.tokens.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    assert scan("hf://datasets/org/made", "--split", "test")["rows"] == 4
    assert hub.tokens == {"Bearer hf_made_up"}


def test_errors_of_the_server_are_tried_again(hub: StandIn) -> None:
    fine = slow(0)
    hub.fault("/api/datasets/org/made/revision/main", status(503), fine)
    hub.fault("/api/datasets/org/made/tree", status(500), fine)
    hub.fault("GET /datasets/org/made/resolve", status(502), fine)
    assert scan("hf://datasets/org/made")["rows"] == 30
    hub.fault("/api/datasets/org/made", status(500))
    assert "answers with error 500" in refused(3, "hf://datasets/org/made")


def test_a_file_that_cannot_be_fetched_is_lost_and_the_others_are_read(hub: StandIn) -> None:
    hub.fault("en/train-1.jsonl.gz", status(500))
    report = scan("hf://datasets/org/made", code=3)
    assert [(one["rows"], one["error"]) for one in report["sources"]] == [
        (4, None),
        (20, None),
        (0, "the Hub answers with error 500"),
    ]
    assert report["status"] == "incomplete"


def test_a_body_that_is_cut_short_is_tried_again_and_said(
    hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.fault(
        "GET /datasets/org/made/resolve/" + hub.commits["org/made", "main"] + "/en/test", cut(0.5), slow(0)
    )
    assert scan("hf://datasets/org/made", "--split", "test")["rows"] == 4


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "WAITS", ())
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "the Hub cannot be reached" in refused(3, "hf://datasets/org/made")


def test_a_limit_fetches_no_more_than_it_reads(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "ROUND_BYTES", 1)
    assert scan("hf://datasets/org/made", "--limit", 10)["rows"] == 10
    assert hub.fetched() == ["README.md", "en/test.jsonl", "en/train-0.jsonl.gz"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_are_removed_to_make_room_and_fetched_again(
    hub: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jobs: int
) -> None:
    hub.add(
        "org/many",
        {f"{i:02}.jsonl": lines([*pairs(1), *pairs(29, 100 + i * 30), *tainted(1, i)]) for i in range(12)},
    )
    most = [0]
    release = fetched.Supply._release

    def watched(self: fetched.Supply, files: object) -> None:
        most[0] = max(most[0], len(list((tmp_path / "work").rglob("*.jsonl"))))
        release(self, files)  # type: ignore[arg-type]

    whole = scan("hf://datasets/org/many")
    monkeypatch.setattr(fetched, "ROUND_BYTES", 6000)
    monkeypatch.setattr(fetched, "FLOOR", 6000)
    monkeypatch.setattr(fetched.shutil, "disk_usage", lambda _: type("U", (), {"free": 0}))
    monkeypatch.setattr(fetched.Supply, "_release", watched)
    hub.asked.clear()
    done = call(
        "scan", "hf://datasets/org/many", "--format", "json", "--jobs", jobs, "--work-dir", tmp_path / "work"
    )
    again = parsed(done.stdout)
    assert (again["rows"], again["findings"]) == (whole["rows"], whole["findings"])
    assert 0 < most[0] <= 4
    assert len(hub.fetched()) > 12  # for the examples
    assert list((tmp_path / "work").iterdir()) == []


def test_clean_reads_twice_and_keeps_the_layout(hub: StandIn, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call("clean", "hf://datasets/org/made", "-o", out, "--drop", "contamination")
    assert (done.returncode, done.stderr) == (0, "")
    kept = sorted(path.relative_to(out).as_posix() for path in (out / "kept").rglob("*.*"))
    assert kept == ["kept/en/test.jsonl", "kept/en/train-0.jsonl.gz", "kept/en/train-1.jsonl.gz"]
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["inputs"][0]["path"].startswith("hf://datasets/org/made@")
    assert manifest["totals"]["quarantined"] == 5
    assert call("verify", out).returncode == 0
    assert len(hub.fetched()) == 4
    hub.fault("en/train-1.jsonl.gz", status(500))
    done = call("clean", "hf://datasets/org/made", "-o", tmp_path / "other")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert not (tmp_path / "other").exists()


def test_schema_and_a_listing_of_many_pages(hub: StandIn) -> None:
    hub.add("org/pages", {f"{i:03}.jsonl": lines(pairs(1, i)) for i in range(120)})
    assert scan("hf://datasets/org/pages")["rows"] == 120
    done = call("schema", "hf://datasets/org/made", "--subset", "fr", "--json")
    (found,) = json.loads(done.stdout)
    assert (found["format"], found["split"], len(found["rows"])) == ("parquet", "train", 3)


def test_names_that_leave_the_folder_are_not_read(hub: StandIn, tmp_path: Path) -> None:
    hub.add(
        "org/evil",
        {"../../evil.jsonl": lines(pairs(2)), "a\\b.jsonl": lines(pairs(2)), "a.jsonl": lines(pairs(1))},
    )
    assert scan("hf://datasets/org/evil", "--work-dir", tmp_path / "work")["rows"] == 1
    assert not list(tmp_path.rglob("evil.jsonl"))


def test_offline_the_cache_is_read(hub: StandIn, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    env = environment({"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(cache)})
    fill = (
        "from huggingface_hub import snapshot_download as s;"
        "s('org/made', repo_type='dataset', allow_patterns=['README.md', 'en/*'])"
    )
    subprocess.run([sys.executable, "-c", fill], env=env, check=True, capture_output=True)
    hub.asked.clear()
    for address, code in (("hf://datasets/org/made", 0), ("hf://datasets/org/other", 3)):
        done = subprocess.run(
            command("scan", address, "--format", "json", "--jobs", 1),
            env={**env, "HF_HUB_OFFLINE": "1"}, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        if code == 0:
            assert parsed(done.stdout)["rows"] == 30
        else:
            assert "HF_HUB_OFFLINE is set" in done.stderr and done.stderr.count("\n") == 1
    assert hub.asked == []
    # Online the cache serves what it has of this commit.
    done = subprocess.run(
        command("scan", "hf://datasets/org/made", "--format", "json", "--jobs", 1),
        env=env, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert parsed(done.stdout)["rows"] == 30
    assert hub.fetched() == []


def test_a_listing_that_does_not_come_is_given_up(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(hub_module, "WAITS", ())
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the library waits longer before each of its attempts
    for part in ("/revision/", "/tree/"):
        hub.faults.clear()
        hub.fault(part, slow(1))
        assert "does not answer in time" in refused(3, "hf://datasets/org/made")


@pytest.mark.parametrize("part", ["/tree/", "en/train-0"])
def test_a_stop_while_something_is_fetched_leaves_nothing(hub: StandIn, tmp_path: Path, part: str) -> None:
    work = tmp_path / "work"
    hub.fault(part, slow(8))
    process = subprocess.Popen(
        command("scan", "hf://datasets/org/made", "--format", "json", "--work-dir", work, "--jobs", 1),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), encoding="utf-8",
    )  # fmt: skip
    end = time.monotonic() + 60
    while not any(part in one for one in hub.asked) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert parsed(out)["status"] == "interrupted"
    assert list(work.iterdir()) == []


def test_a_limit_fetches_parts_of_a_large_table(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubfiles, "RANGED", 1 << 16)
    rows = [{"prompt": "a" * 400 + f" {i}", "response": f"{i:07}" * 60} for i in range(4_000)]
    sink = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows), sink, row_group_size=500, compression="none", use_dictionary=False
    )
    hub.add("org/large", {"data/train-00000-of-00001.parquet": sink.getvalue()})
    report = scan("hf://datasets/org/large", "--limit", 50)
    assert [one["rows"] for one in report["sources"]] == [50]
    assert 0 < sum(hub.pieces) < len(sink.getvalue()) / 2
    hub.pieces.clear()
    assert scan("hf://datasets/org/large")["rows"] == 4_000
    assert hub.pieces == []


def test_a_part_that_does_not_come_is_said(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubfiles, "RANGED", 0)
    hub.faults["fr/a.parquet"] = [status(403)]
    report = scan("hf://datasets/org/made", "--subset", "fr", "--limit", 3, code=3)
    assert "refuses access (403)" in report["sources"][0]["error"]
