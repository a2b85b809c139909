"""Makes and saves figures with matplotlib. Needs the extra `plots`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, path: Path) -> Figure:
    """Make an empty figure, in inches, that will be saved to `path`.

    Raises ConfigError if matplotlib is not installed or cannot write that file type.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install 'foretype[plots]'") from error
    figure = Figure((width, height), layout="constrained")
    legal = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in legal:
        raise ConfigError(f"{path}: unknown image type; choose from {', '.join(f'.{kind}' for kind in legal)}")
    return figure


def check_plot(path: Path) -> None:
    """Raise ConfigError if a plot cannot be written to `path`. Call it before long work."""
    new_figure(1, 1, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` in the format given by the ending of `path`."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=150)
