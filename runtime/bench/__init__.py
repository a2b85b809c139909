"""Measures Foretype on a device: latency, cold start, memory and energy, so that two devices can be compared.

    trials.measure -> one worker process per trial, configurations in turn -> result.Result -> JSON
    comparing.results.compare, publishing.leaderboard.markdown and publishing.plot.plot_latencies read results
    comparing.pairs.compare_builds lets two builds type by turns

docs/benchmark.md explains each figure.
"""
