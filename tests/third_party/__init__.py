"""Test suites of other projects, run through pandas_dist."""
