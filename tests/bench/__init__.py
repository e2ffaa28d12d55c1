"""Benchmarks: run by hand, they print ratios measured in one run and assert nothing."""
