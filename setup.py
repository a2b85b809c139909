"""Lists the packages, which pyproject.toml cannot: the folders of the four rooms, under the name `foretype`."""

from setuptools import find_namespace_packages, setup

ROOMS = ("runtime", "train", "export", "tui")
PATTERNS = [pattern for room in ROOMS for pattern in (room, f"{room}.*")]
FOLDERS = find_namespace_packages(include=PATTERNS, exclude=["*__pycache__*"])

setup(packages=[f"foretype.{folder}" for folder in sorted(FOLDERS)], package_dir={"foretype": "."})
