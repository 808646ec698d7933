"""normalise() is NFC(casefold(NFC)), White_Space runs to one space, stripped."""

from __future__ import annotations

import sys
import unicodedata

import pyarrow as pa
import pytest
import regex
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.records import compiling, forms, hashing, normalise_kernel, normalise_long
from dataaudit.records import normalise as module
from dataaudit.records.normalise import flat_bytes, from_flat, normalise, normalise_text, strings_with

SPACES = regex.compile(r"\p{White_Space}+")


def slow(text: str) -> str:
    """The definition, word by word."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return SPACES.sub(" ", folded).strip(" ")


AWKWARD = (
    "\t\n\x0b\x0c\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2007\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000"
    "AZaz09'’\u0300\u0301\u0307\u0345\u0327\u0653\u1100\u1161\u11a8가각İıIißẞſKÅΩΣςſtﬁﬀǅ㎏½ʼnΐᾳᾼ"
    "\u0930\u093c\u09c7\u09be日本😀\u200d\ufe0f\U0001d15e\U00011099\U000110ba\u1e9e\u0344\u0958\u2126\u1fef\u2000"
)
TEXTS = st.one_of(
    st.text(alphabet=AWKWARD, max_size=8),
    st.text(max_size=6),
    st.text(alphabet=" \tAb\n", max_size=8),
    st.sampled_from(["", " ", "\xa0", "\x1c", "A\u0301", "İ", "\u0307", " \u0301a"]),
)


def plain(values: list[str]) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@settings(max_examples=250, deadline=None)
@given(st.lists(TEXTS, max_size=8), st.integers(0, 3), st.integers(0, 3))
def test_arrays_are_normalised_as_the_definition_says(texts: list[str], head: int, tail: int):
    values = plain(texts)
    assert normalise(values).to_pylist() == [slow(text) for text in texts]
    part = values.slice(head, max(0, len(texts) - head - tail))
    assert normalise(part).to_pylist() == [slow(text) for text in part.to_pylist()]


def compiled_keys(values: pa.LargeStringArray) -> list[tuple[int, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "COMPILE_BYTES", -1)
        return list(zip(*(lane.tolist() for lane in normalise_long.normalised_keys(values)), strict=True))


def keys_of(texts: list[str]) -> list[tuple[int, int]]:
    return [hashing.digest_lanes(xxhash.xxh3_128_intdigest(text.encode())) for text in texts]


PIECES = st.sampled_from(
    ["a" * 1023, "B \t" * 341, " " * 1025, "É", "é", "\u0301", "\xa0", "ß", "❤\ufe0f", "日", "\n", "x Y", "Ab c  D" * 9,
     "A" * 63 + " ", " " + "b" * 64, "C \n" + "d" * 40]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.lists(PIECES, max_size=6).map("".join)), max_size=8), st.integers(0, 3))
def test_the_compiled_form_gives_the_keys_of_the_definition(texts: list[str], head: int):
    values = plain(texts).slice(head)
    assert compiled_keys(values) == keys_of([slow(text) for text in texts[head:]])
    easy, hard = normalise_kernel.normalised(values)
    expected = ["" if i in hard else slow(text) for i, text in enumerate(texts[head:])]
    assert easy.to_pylist() == expected


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet="aB \t\n\x1f", max_size=12), max_size=5), st.integers(1, 7))
def test_windows_do_not_show(texts: list[str], window: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WINDOW", window)
        assert normalise(plain(texts)).to_pylist() == [slow(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_single_strings_are_too_and_twice_is_once(text: str):
    assert normalise_text(text) == slow(text)
    assert slow(normalise_text(text)) == normalise_text(text)


def every_character() -> list[str]:
    return [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_every_character_alone_and_between_letters():
    chosen = [one for one in every_character() if one < "\u3100" or slow(one) != one or ord(one) % 61 == 0]
    texts = [form for char in chosen for form in (char, f"A{char}b")]
    assert len(texts) > 50_000
    expected = [slow(text) for text in texts]
    assert normalise(plain(texts)).to_pylist() == expected
    easy, hard = normalise_kernel.normalised(plain(texts))
    others = sorted(set(range(len(texts))) - set(hard.tolist()))
    made = easy.to_pylist()
    assert [made[i] for i in others] == [expected[i] for i in others]
    assert compiled_keys(plain(texts)) == keys_of(expected)


def test_only_what_needs_its_neighbours_or_more_room_is_left_to_python():
    texts = [
        "Ünïcode Ärger",
        "“quoted” – dash…",
        "ПРИВЕТ мир",
        "日本語。",
        "❤️ 👩‍🚀",
        "a\xa0b\u2003c",
        "Straße",
        "e\u0301",
        "ΌΣΟΣ",
    ]
    assert normalise_kernel.normalised(plain(texts))[1].tolist() == [6, 7]


def test_nothing_that_composes_or_is_reordered_counts_as_easy():
    """A character is easy only if no neighbour can change it, in the Unicode version of this interpreter."""
    second = set()
    for char in every_character():
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            second.add(int(parts[1], 16))
    marks = {code for code in range(sys.maxunicode + 1) if unicodedata.combining(chr(code))}
    jamo = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    assert len(second) > 60
    easy = [hex(code) for code in sorted(second | marks | jamo) if forms._form(code) != forms.HARD]
    assert easy == []


def test_the_white_space_property_is_the_one_of_the_regex_module():
    ours = regex.compile(f"[{forms.WHITE_SPACE}]")
    theirs = regex.compile(r"\p{White_Space}")
    assert [c for c in every_character() if bool(ours.match(c)) != bool(theirs.match(c))] == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("İ", "i̇"),
        ("STRASSE", "straße"),
        ("ﬁn", "FIN"),
        ("e\u0301", "É"),
        ("\u1100\u1161", "가"),
        (" a\xa0\n b ", "A B"),
    ],
)
def test_texts_that_are_alike(a: str, b: str):
    first, second = normalise(plain([a, b])).to_pylist()
    assert first == second


@pytest.mark.parametrize(
    ("a", "b"), [("I", "ı"), ("a\x1cb", "a b"), ("a\u200bb", "ab"), ("a\u180eb", "a b"), ("x²", "x2")]
)
def test_texts_that_are_not(a: str, b: str):
    first, second = normalise(plain([a, b])).to_pylist()
    assert first != second


@given(st.lists(st.text(max_size=5), max_size=6), st.integers(0, 3))
def test_flat_bytes_and_back(texts: list[str], head: int):
    part = plain(texts).slice(head)
    data, offsets = flat_bytes(part)
    assert bytes(data) == "".join(texts[head:]).encode()
    assert offsets[0] == 0
    assert len(offsets) == len(part) + 1
    assert from_flat(data, offsets).to_pylist() == texts[head:]


@given(st.lists(st.text(max_size=4), min_size=1, max_size=6))
def test_strings_with_finds_the_string_of_a_byte(texts: list[str]):
    data, offsets = flat_bytes(plain(texts))
    owner = [i for i, text in enumerate(texts) for _ in text.encode()]
    for position, expected in enumerate(owner):
        assert strings_with(pa.array([position]).to_numpy(), offsets).tolist() == [expected]
    assert len(data) == len(owner)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=6).map("".join), st.integers(1, 9))
def test_a_long_text_is_normalised_in_windows_to_the_same_bytes(text: str, window: int):
    pieces = list(normalise_long.normalised_pieces(flat_bytes(plain([text]))[0], window))
    assert b"".join(pieces).decode() == slow(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_keys_of_long_texts_are_those_of_their_normalised_forms(texts: list[str]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalise_long, "LONG", 4)
        patch.setattr(normalise_long, "WINDOW", 3)
        patch.setattr(hashing, "FEW_LONG", 0)
        found = normalise_long.normalised_keys(plain(texts))
    expected = hashing.string_keys(plain([slow(text) for text in texts]))
    assert [one.tolist() for one in found] == [one.tolist() for one in expected]
