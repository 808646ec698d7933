"""Arrow files, Feather and streams come back as they went in: values, schema, container, codec."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from export_support import clean
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.export.verify import verify
from dataaudit.sources.ipc import is_file, survey

TEXTS = [f"text é number {i}" for i in range(30)]
KINDS = {"arrow": pa.ipc.new_file, "feather": pa.ipc.new_file, "arrows": pa.ipc.new_stream}


def write(path: Path, data: pa.Table, *, codec: str | None = None, rows: int = 9, kind: str = "") -> Path:
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with KINDS[kind or path.suffix[1:]](str(path), data.schema, options=options) as writer:
        writer.write_table(data, max_chunksize=rows)
    return path


def texts_of(path: Path) -> list[str | None]:
    opened = (pa.ipc.open_file if is_file(path) else pa.ipc.open_stream)(path.read_bytes())
    return opened.read_all()["text"].to_pylist()


LEAVES = st.sampled_from(
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Text of any type, plain or in lists, beside a column of something else."""
    rows = draw(
        st.lists(st.tuples(st.none() | st.text(max_size=9), st.integers(0, 9)), min_size=1, max_size=12)
    )
    text = pa.array([text for text, _ in rows], pa.string())
    kind = draw(LEAVES)
    text = text.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else text.cast(kind)
    return pa.table(
        {"text": text, "n": pa.array([n for _, n in rows], draw(st.sampled_from([pa.int8(), pa.float32()])))}
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=tables(),
    rows=st.integers(1, 12),
    codec=st.sampled_from([None, "lz4", "zstd"]),
    kind=st.sampled_from(["arrow", "arrows"]),
    drop=st.sets(st.integers(0, 11)),
)
def test_any_table_comes_back_as_it_was(
    data: pa.Table,
    rows: int,
    codec: str | None,
    kind: str,
    drop: set[int],
    tmp_path_factory: pytest.TempPathFactory,
):
    folder = tmp_path_factory.mktemp("any")
    path = write(folder / f"a.{kind}", data, codec=codec, rows=rows)
    drops = sorted(i for i in drop if i < len(data))
    clean(folder, folder.parent / f"{folder.name}-out", [(path.name, "arrow", len(data))], {0: drops})
    out = folder.parent / f"{folder.name}-out"
    assert verify(out).problems == ()
    kept = [one for i, one in enumerate(data.to_pylist()) if i not in drops]
    if kept:
        opened = (pa.ipc.open_file if kind == "arrow" else pa.ipc.open_stream)(
            (out / "kept" / path.name).read_bytes()
        )
        again = opened.read_all()
        assert again.schema.equals(data.schema, check_metadata=True)
        assert again.to_pylist() == kept
    else:
        assert not (out / "kept" / path.name).exists()


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("ending", KINDS)
def test_clean_writes_the_container_and_the_codec_of_the_input(
    ending: str, codec: str | None, tmp_path: Path
):
    source = tmp_path / "in"
    source.mkdir()
    data = pa.table({"text": ["[INST] say [/INST] said", *TEXTS[1:]]}).append_column("n", pa.array(range(30)))
    path = write(source / f"a.{ending}", data, codec=codec)
    dataaudit.clean(source, tmp_path / "out", drop=("contamination",), jobs=1)
    kept, removed = (tmp_path / "out" / name / path.name for name in ("kept", "quarantine"))
    for one in (kept, removed):
        assert (is_file(one), survey(one).codec) == (ending != "arrows", codec)
    assert (texts_of(kept), len(texts_of(removed))) == (TEXTS[1:], 1)
    assert survey(kept).rows == (8, 9, 9, 3)
    assert dataaudit.verify(tmp_path / "out", require_input=True).problems == ()


@pytest.mark.parametrize("ending", ["arrow", "arrows"])
def test_redaction_in_a_dictionary_column(ending: str, tmp_path: Path):
    texts = [f"text {i}" for i in range(30)]
    source = tmp_path / "in"
    source.mkdir()
    path = write(source / f"a.{ending}", pa.table({"text": pa.array(texts).dictionary_encode()}))
    places = [(0, row, "text", (0, 4)) for row in (1, 12)]
    clean(source, tmp_path / "out", [(path.name, "arrow", 30)], {0: [5]}, places)
    assert verify(tmp_path / "out").problems == ()
    kept = texts_of(tmp_path / "out/kept" / path.name)
    assert kept == [f"[REDACTED] {i}" if i in (1, 12) else f"text {i}" for i in range(30) if i != 5]
