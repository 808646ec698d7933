"""Benchmark indexes and the search for benchmark items in text. Knows no file of the input and no report."""
