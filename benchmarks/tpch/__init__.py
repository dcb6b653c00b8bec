"""TPC-H: data, the 22 queries as ordinary pandas, and the same queries written for an engine."""
