"""Benchmarks of pandas_dist: the same scripts on plain pandas, on each backend, and by hand."""
