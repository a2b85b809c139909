"""Trains a neural model of the comparison within its time."""

from __future__ import annotations

from typing import Any

from foretype.train.neural.training.trainer import Trainer


def fit_within(trainer: Trainer, minutes: float) -> dict[str, Any]:
    """Train until the end, or for so many minutes; return the figures of the training."""
    for report in trainer.fit():
        if report.seconds > 60 * minutes:
            trainer.save()
            break
    return {
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "training_seconds": round(trainer.seconds, 1),
        "training_tokens": trainer.step * trainer.config.batch * trainer.config.steps,
    }
