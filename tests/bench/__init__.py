"""Benchmarks: ours and peers in one run, on the same messages and the same model."""
