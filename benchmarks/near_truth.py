"""The truth about near-duplicates of some texts, by comparing all pairs: exact Jaccard similarity of sets of shingles.

Shares no code with the tool. Its words are spelled out in plain Python from the definition in
docs/near-duplicates.md, its similarities are counted by products of sparse matrices. Pairs that can share none of their
rare shingles are left out by a bound that loses nothing: of two sets of similarity s or more, each shares one of its
rarest (1 - s) * size + 1 shingles with the other (Bayardo, Ma and Srikant, 2007).
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

I64 = npt.NDArray[np.int64]

SINGLE = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ", "TIBETAN ")
"""How the names of letters begin of which every one is a word."""
BLOCK = 2000
"""Rows of the product that are held at once."""


def words(text: str) -> list[str]:
    """Runs of letters, marks, digits and underscores after folding; single characters of scripts without spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found: list[str] = []
    open_ = False
    for char in folded:
        if not (char == "_" or char.isalnum() or unicodedata.category(char)[0] == "M"):
            open_ = False
        elif char > "\u0e00" and unicodedata.name(char, "").startswith(SINGLE):
            found.append(char)
            open_ = False
        elif open_:
            found[-1] += char
        else:
            found.append(char)
            open_ = True
    return found


def shingles(text: str, size: int = 5) -> set[str]:
    """Of a text that is shorter than a shingle: itself, folded; of a blank one: none."""
    own = words(text)
    if len(own) >= size:
        return {" ".join(own[i : i + size]) for i in range(len(own) - size + 1)}
    whole = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return {f"\0{whole}"} if whole else set()


class Sets(NamedTuple):
    """Texts as rows of a matrix of ones: its columns are shingles, the rarest first."""

    matrix: csr_array
    sizes: I64


def sets_of(texts: Sequence[str], size: int = 5) -> Sets:
    """The sets of all texts."""
    known: dict[str, int] = {}
    columns: list[npt.NDArray[np.int32]] = []
    for text in texts:
        mine = [known.setdefault(one, len(known)) for one in shingles(text, size)]
        columns.append(np.asarray(mine, np.int32))
    sizes = np.asarray([len(one) for one in columns], np.int64)
    flat = np.concatenate([np.empty(0, np.int32), *columns])
    common = np.bincount(flat, minlength=len(known))
    rank = np.empty(len(known), np.int32)
    rank[np.argsort(common, kind="stable")] = np.arange(len(known), dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((np.ones(len(flat), np.int32), rank[flat], starts), shape=(len(texts), len(known)))
    matrix.sort_indices()
    return Sets(matrix, sizes)


class Pairs(NamedTuple):
    """All pairs of a similarity of at least some bound, left before right, and their exact similarity."""

    left: I64
    right: I64
    similarity: npt.NDArray[np.float64]


def pairs(sets: Sets, least: float) -> Pairs:
    """All pairs of similarity `least` or more."""
    matrix, sizes = sets
    prefix = np.minimum(sizes, np.floor((1 - least) * sizes + 1e-9).astype(np.int64) + 1)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], sizes)
    taken = place < np.repeat(prefix, sizes)
    rare = csr_array(
        (matrix.data[taken], matrix.indices[taken], np.concatenate([[0], np.cumsum(prefix)])),
        shape=matrix.shape,
    )
    other = rare.T.tocsr()
    lefts, rights, similar = [], [], []
    for first in range(0, matrix.shape[0], BLOCK):
        meet = (rare[first : first + BLOCK] @ other).tocoo()
        left, right = meet.coords[0].astype(np.int64) + first, meet.coords[1].astype(np.int64)
        small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
        possible = (left < right) & (small >= least * large)
        left, right = left[possible], right[possible]
        for at in range(0, len(left), 100_000):
            one, two = left[at : at + 100_000], right[at : at + 100_000]
            both = np.asarray(matrix[one].multiply(matrix[two]).sum(axis=1)).ravel()
            jaccard = both / (sizes[one] + sizes[two] - both)
            near = jaccard >= least
            lefts.append(one[near])
            rights.append(two[near])
            similar.append(jaccard[near])
    none = np.empty(0, np.int64)
    return Pairs(
        np.concatenate([none, *lefts]),
        np.concatenate([none, *rights]),
        np.concatenate([np.empty(0), *similar]),
    )


def labels(rows: int, found: Pairs, threshold: float) -> I64:
    """Per row the smallest row that it hangs together with by pairs of this similarity or more."""
    near = found.similarity >= threshold
    ones = np.ones(int(near.sum()), np.bool_)
    graph = csr_array((ones, (found.left[near], found.right[near])), shape=(rows, rows))
    _, component = connected_components(graph, directed=False)
    least = np.full(rows, rows)
    np.minimum.at(least, component, np.arange(rows))
    return np.asarray(least[component], np.int64)


def main() -> None:
    """near_truth.py ROWS OUT THRESHOLD: write for each row of a file the smallest row it hangs together with."""
    source, out, threshold = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    with source.open("rb") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    found = labels(len(texts), pairs(sets_of(texts), threshold), threshold)
    out.write_text(json.dumps(found.tolist()))


if __name__ == "__main__":
    main()
