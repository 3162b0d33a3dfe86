"""Benchmarks: interleaved repeats, medians with their spread, and the floor beside the measured figure."""
