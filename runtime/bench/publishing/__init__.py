"""Publishes results: a leaderboard, one HTML page with charts, plots, CSV, and the JSON Schema of a result."""
