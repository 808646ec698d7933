"""Zstandard frames, skippable ones included."""

from __future__ import annotations

MAX_WINDOW = 1 << 31
"""Largest window accepted, in bytes: what `zstd --long=31` writes."""


class ZstdMember:
    """One frame of a Zstandard file (see `compression.Member`)."""

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        """Has the frame ended?"""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """Bytes given after the end of the frame."""
        return self._inner.unused_data

    @property
    def hungry(self) -> bool:
        """The library hands over all output at once, so there is never more without more input."""
        return True

    def feed(self, data: bytes) -> bytes:
        """Take in compressed bytes, hand over decompressed ones."""
        return self._inner.decompress(data)
