"""One file for each foreign system: how to load it, ask it, and train it with its own tools.

`answering.py` runs these files by their path, also in the system's own Python: they import nothing of Foretype.
"""
