"""Benchmarks, run by hand: `make bench`. They print ratios within one run, since machines differ."""
