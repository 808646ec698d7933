"""A sample of rows chosen by hash of the row id: the k smallest hashes, whatever order the rows come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records.hashing import row_order

EXAMPLE_SEED = 0xE8A3
"""Seed of the order in which rows are picked as examples. A constant, so that reports can be compared."""

T = TypeVar("T")


def example_order(row_ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The hash by which rows are picked as examples."""
    return row_order(row_ids, EXAMPLE_SEED)


class BottomK(msgspec.Struct, Generic[T]):
    """The k items of smallest (priority, row id)."""

    k: int
    items: list[tuple[int, int, T]] = []

    def offer(self, row_ids: npt.NDArray[np.uint64], make: Callable[[int], T]) -> None:
        """Offer rows; `make(i)` builds the item of row i and is called only for rows that enter the sample."""
        if len(row_ids):
            self.offer_in_order(example_order(row_ids), row_ids, make)

    def offer_in_order(
        self, order: npt.NDArray[np.uint64], row_ids: npt.NDArray[np.uint64], make: Callable[[int], T]
    ) -> None:
        """The same where their `example_order` is known."""
        if self.k == 0:
            return
        within = np.arange(len(order))
        if len(self.items) == self.k:
            within = np.flatnonzero(order <= np.uint64(self.items[-1][0]))
        if len(within) > self.k:
            within = within[np.argsort(order[within], kind="stable")[: self.k]]
        for i in within.tolist():
            self.add(int(order[i]), int(row_ids[i]), lambda i=i: make(i))  # type: ignore[misc]

    def add(self, priority: int, row_id: int, make: Callable[[], T]) -> None:
        """Offer one item under an explicit priority; a row already in the sample is left as it is."""
        if len(self.items) == self.k and (priority, row_id) >= self.items[-1][:2]:
            return
        if any(row == row_id for _, row, _ in self.items):
            return
        self.items.append((priority, row_id, make()))
        self.items.sort(key=lambda item: item[:2])
        del self.items[self.k :]

    @property
    def full(self) -> bool:
        """Is every further item in the place of another?"""
        return len(self.items) == self.k > 0

    def most(self) -> int:
        """The largest priority in the sample, which holds some."""
        return self.items[-1][0]

    def merge(self, other: BottomK[T]) -> None:
        """Take in another sample."""
        for priority, row_id, item in other.items:
            self.add(priority, row_id, lambda item=item: item)  # type: ignore[misc]

    def values(self) -> list[T]:
        """The sampled items by row id."""
        return [item for _, _, item in sorted(self.items, key=lambda item: item[1])]
