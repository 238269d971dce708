"""Protocols of the benchmarks: boxes in, numbers out."""
