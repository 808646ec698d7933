"""A histogram of lengths in logarithmic buckets, and the fence beyond which lengths are far out."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

STEPS = 16
"""Buckets per doubling: quantiles are off by at most 1/16 of a doubling, 4.4 %. Lengths below 16 are exact."""
FAR_OUT = 3.0
"""Tukey's factor for far-out values (Exploratory Data Analysis, 1977), on logarithms since lengths are skewed."""
LEAST_ROWS = 20
"""With fewer rows the quartiles mean little."""
LEAST_SPREAD = 2.0
"""Quartiles closer than this ratio are widened to it, so that uniform lengths do not make every other row far out."""


class Fence(NamedTuple):
    """Lengths below `low` or above `high` are far out. All in characters."""

    low: int
    high: int
    median: int


def bucket_of(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bucket of each length. Monotone."""
    safe = np.maximum(lengths, 1)
    exponent = np.frexp(safe.astype(np.float64))[1].astype(np.int64) - 1
    shift = np.maximum(exponent - 4, 0)
    fine = (exponent - 4) * STEPS + (safe >> shift)
    return np.where(lengths < STEPS, lengths, fine)


def floor_of(bucket: int) -> int:
    """The smallest length in a bucket."""
    if bucket < 2 * STEPS:
        return bucket
    doublings, step = divmod(bucket, STEPS)
    return (STEPS + step) << (doublings - 1)


class LengthHistogram(msgspec.Struct):
    """Rows per bucket."""

    counts: dict[str, int] = {}

    def add(self, lengths: npt.NDArray[np.int64]) -> None:
        """Add lengths."""
        counts = np.bincount(bucket_of(lengths))  # a thousand buckets or so
        buckets = np.flatnonzero(counts)
        for bucket, count in zip(buckets.tolist(), counts[buckets].tolist(), strict=True):
            self.counts[str(bucket)] = self.counts.get(str(bucket), 0) + count

    def merge(self, other: LengthHistogram) -> None:
        """Take in another histogram."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    @property
    def rows(self) -> int:
        """Lengths added."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> int:
        """The floor of the bucket that holds the quantile."""
        wanted, seen = share * self.rows, 0
        for bucket in sorted(map(int, self.counts)):
            seen += self.counts[str(bucket)]
            if seen >= wanted:
                return floor_of(bucket)
        return 0

    def fence(self) -> Fence | None:
        """The fence, on bucket borders so that what lies outside is counted exactly; None with too few rows."""
        if self.rows < LEAST_ROWS:
            return None
        low, median, high = (self.quantile(share) for share in (0.25, 0.5, 0.75))
        if low == 0:
            return None
        spread = max(high / low, LEAST_SPREAD) ** FAR_OUT
        upper = int(bucket_of(np.asarray([min(int(high * spread), 2**52)]))[0])
        lower = int(bucket_of(np.asarray([int(low / spread)]))[0])
        return Fence(floor_of(lower), floor_of(upper + 1) - 1, median)

    def outside(self, fence: Fence) -> tuple[int, int]:
        """(rows shorter than the fence, rows longer)."""
        below = sum(n for bucket, n in self.counts.items() if floor_of(int(bucket)) < fence.low)
        above = sum(n for bucket, n in self.counts.items() if floor_of(int(bucket)) > fence.high)
        return below, above
