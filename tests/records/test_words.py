"""Words and shingles: what they are, and that the two implementations agree with a third one, written to be read."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.records import kernels
from dataaudit.records import words as word_hashes
from dataaudit.records.characters import BREAK, JOINS, NOTHING, SINGLE, characters
from dataaudit.records.kernels import PIECE
from dataaudit.records.normalise import flat_bytes
from dataaudit.records.words import (
    SHINGLE_BASE,
    WORD_BASE,
    Words,
    plain_shingles,
    plain_words,
    shingles_of,
    words_of,
)

MODULUS = 1 << 64


def mix(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) % MODULUS
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % MODULUS
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % MODULUS
    return x ^ (x >> 31)


def combined(values: list[int], base: np.uint64) -> int:
    return mix(sum(value * pow(int(base), i, MODULUS) for i, value in enumerate(values)) % MODULUS)


def kind_of(char: str) -> int:
    return int(characters([ord(char) >> 12]).kind[ord(char)])


def split(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as they stand (ignored characters left out), with their bytes."""
    words: list[tuple[str, int, int]] = []
    current, kind, begin, end, at = "", BREAK, 0, 0, 0
    for char in text:
        here, at = at, at + len(char.encode())
        mine = kind_of(char)
        if mine == NOTHING:
            continue
        if current and (mine in (BREAK, SINGLE) or (mine == JOINS and kind == SINGLE)):
            words.append((current, begin, end))
            current = ""
        if mine == BREAK:
            continue
        if not current:
            kind, begin = (SINGLE if mine == SINGLE else JOINS), here
        current, end = current + char, at
    return [*words, (current, begin, end)] if current else words


def folded(word: str) -> list[int]:
    out: list[int] = []
    for char in word:
        form = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        keep = form if all(unicodedata.category(one)[0] in "LNM" for one in form) else char
        out += map(ord, keep)
    return out


def slow_words(texts: list[str]) -> tuple[list[int], list[int], list[int], list[int]]:
    hashes, starts, begins, ends = [], [0], [], []
    for text in texts:
        for word, begin, end in split(text):
            hashes.append(combined(folded(word), WORD_BASE))
            begins.append(begin)
            ends.append(end)
        starts.append(len(hashes))
    return hashes, starts, begins, ends


def listed(words: Words) -> tuple[list[int], ...]:
    return tuple(part.tolist() for part in words)


def spelled(text: str) -> list[str]:
    return [text.encode()[begin:end].decode() for _, begin, end in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, snake_case 3.14!", ["Don", "t", "stop", "snake_case", "3", "14"]),
        ("日本語とthe模型2号", ["日", "本", "語", "と", "the", "模", "型", "2", "号"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("السَّلام عليكم", ["السَّلام", "عليكم"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("안녕 세상", ["안녕", "세상"]),
        ("soft\u00adhyphen zero\u200bwidth", ["soft\u00adhyphen", "zero\u200bwidth"]),
        ("❤️ 😀 👩‍🚀 — …", []),
        ("\u0301 a", ["\u0301", "a"]),
        ("", []),
        ("\x00\x07a", ["a"]),
    ],
)
def test_what_a_word_is(text: str, expected: list[str]):
    assert spelled(text) == expected
    values = pa.array([text], pa.large_string())
    for found in (plain_words(*flat_bytes(values), True), kernels.words(*flat_bytes(values), True)):
        pairs = zip(found.begins.tolist(), found.ends.tolist(), strict=True)
        assert [text.encode()[begin:end].decode() for begin, end in pairs] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RÉSUMÉ", "re\u0301sume\u0301"),
        ("Straße", "STRASSE"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("ﬁne", "fine"),
        ("İstanbul", "i\u0307stanbul"),
        ("각", "\u1100\u1161\u11a8"),
        ("zero\u200bwidth", "zerowidth"),
        ("“Yes”, he said", "yes he said"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_what_is_folded(one: str, other: str):
    words = words_of(pa.array([one, other], pa.large_string()))
    first, second = (words.hashes[a:b].tolist() for a, b in zip(words.starts, words.starts[1:], strict=False))
    assert first == second


def test_accents_and_order_are_not_folded():
    words = words_of(pa.array(["resume", "résumé", "ab", "ba", "½", "12"], pa.large_string()))
    assert len(set(words.hashes.tolist())) == 6


def words_in_pieces(values: pa.LargeStringArray, nbytes: int) -> Words:
    """As numpy makes them where it takes no more than so many bytes together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_hashes, "PLAIN_BYTES", nbytes)
        patch.setattr(word_hashes, "compiled", lambda _nbytes, _kernel: False)
        return words_of(values, spans=True)


AWKWARD = (
    "aA1_ .-\n\t'éÉ\u0301\u00adßİ½ﬁ日ー々ガｶﾞกำั중각\u1100\u1161"
    "\u200b\u200d\ufe0f😀❤ع\u064bक\u094d\U0001f3fb\U000e0100Ⅷ\x00"
)
texts = st.lists(st.one_of(st.text(alphabet=AWKWARD, max_size=12), st.text(max_size=6)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(values=texts, nbytes=st.integers(1, 30))
def test_both_implementations_agree_with_the_definition(values: list[str], nbytes: int):
    expected = tuple(slow_words(values))
    array = pa.array(["cut off", *values], pa.large_string())[1:]  # a slice: its offsets do not begin at 0
    data, offsets = flat_bytes(array)
    assert listed(plain_words(data, offsets, True)) == expected
    assert listed(kernels.words(data, offsets, True)) == expected
    assert listed(kernels.words(data, offsets, False)) == (*expected[:2], [], [])
    assert listed(plain_words(data, offsets, False)) == (*expected[:2], [], [])
    assert listed(words_in_pieces(array, nbytes)) == expected


@settings(max_examples=50, deadline=None)
@given(values=texts, use=st.booleans(), seed=st.integers(0, 99))
def test_strings_are_taken_in_the_order_asked_for(values: list[str], use: bool, seed: int):
    order = np.random.default_rng(seed).permutation(len(values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_hashes, "compiled", lambda _nbytes, _kernel: use)
        found = words_of(pa.array(["cut off", *values], pa.large_string())[1:], spans=True, order=order)
    assert listed(found) == tuple(slow_words([values[at] for at in order]))


def test_words_at_the_edges_of_pieces_of_plain_text():
    """The compiled loop takes plain text in pieces and the rest by character: a word may lie across either edge."""
    texts = []
    for length in (PIECE - 2, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1):
        for before in ("", "- ", "é ", "日"):
            for after in ("", " b", "é", "\u0301 c", "\u200b", " \u0301", "日本", " …", "— d e"):
                texts += [f"{before}{'a' * length}{after}", f"{before}{'a ' * (length // 2)}{after}"]
    values = pa.array(texts, pa.large_string())
    assert listed(kernels.words(*flat_bytes(values), True)) == listed(plain_words(*flat_bytes(values), True))
    few = [texts[0], texts[-1], texts[len(texts) // 2]]
    assert listed(kernels.words(*flat_bytes(pa.array(few, pa.large_string())), True)) == slow_words(few)


@settings(max_examples=150, deadline=None)
@given(words=st.lists(st.lists(st.integers(0, MODULUS - 1), max_size=8), max_size=5), size=st.integers(1, 13))
def test_shingles_are_words_in_a_row_and_never_cross_texts(words: list[list[int]], size: int):
    starts = np.concatenate([[0], np.cumsum([len(one) for one in words], dtype=np.int64)])
    flat = np.asarray([one for text in words for one in text], np.uint64)
    expected = [
        [combined(text[i : i + size], SHINGLE_BASE) for i in range(len(text) - size + 1)] for text in words
    ]
    ways = (
        plain_shingles(flat, starts, size),
        kernels.shingles(flat, starts, size),
        kernels.shingles(flat.copy(), starts, size, over=True),
    )
    for found in ways:
        assert [
            found.hashes[a:b].tolist() for a, b in zip(found.starts, found.starts[1:], strict=False)
        ] == expected


def test_no_texts_no_words():
    assert listed(words_of(pa.array([], pa.large_string()))) == ([], [0], [], [])
    nothing = shingles_of(np.empty(0, np.uint64), np.zeros(1, np.int64), 5)
    assert (nothing.hashes.tolist(), nothing.starts.tolist()) == ([], [0])


def test_other_threads_run_while_the_kernel_does():
    import threading
    import time

    data, offsets = flat_bytes(pa.array(["some words " * 2_000_000], pa.large_string()))
    kernels.words(data[:0], offsets[:1], False)  # loaded, compiled
    beats: list[float] = []
    done = threading.Event()

    def beat() -> None:
        while not done.is_set():
            beats.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    started = time.perf_counter()
    kernels.words(data, offsets, False)
    ended = time.perf_counter()
    done.set()
    thread.join()
    assert sum(started < at < ended for at in beats) > 5
