"""Measures Foretype on a device: latency, cold start, memory and energy, so that two devices can be compared.

    trials.measure -> one worker process per trial, configurations in turn -> result.Result -> JSON
    compare.compare, report.markdown, plot.plot read results

docs/benchmark.md explains each figure.
"""
