"""Measuring Foretype on a device: latency, cold start, memory and energy, honestly enough to compare two devices.

    trials.measure -> one worker process per trial, by turns -> result.Result -> JSON
    compare.compare, report.markdown, plot.plot read results

See docs/benchmark.md for what each figure means.
"""
