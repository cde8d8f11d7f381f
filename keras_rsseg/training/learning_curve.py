"""The picture of losses and scores over the epochs."""

import io
import os
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_rsseg.files import write_durably

_INCHES = (8, 4.5)


def draw_learning_curve(
    epochs: Sequence[dict[str, Any]], best: int, path: str | os.PathLike
) -> None:
    """Draw losses and mean IoU of each epoch.

    Args:
        epochs: `TrainingHistory.epochs`.
        best: number of the epoch that was kept, from 1.
        path: path of the PNG file; replaced if it exists.
    """
    figure = Figure(figsize=_INCHES, layout="constrained")
    losses = figure.add_subplot()
    scores = losses.twinx()
    numbers = [epoch["epoch"] for epoch in epochs]
    lines = []
    for axes, name, label, color in (
        (losses, "loss", "loss, trained on", "tab:blue"),
        (losses, "val_loss", "loss, held out", "tab:orange"),
        (scores, "val_mean_iou", "mean IoU, held out", "tab:green"),
    ):
        if all(name in epoch for epoch in epochs):
            values = [epoch[name] for epoch in epochs]
            lines += axes.plot(numbers, values, ".-", color=color, label=label)
    lines.append(losses.axvline(best, color="grey", ls=":", label="kept epoch"))
    losses.set_xlabel("epoch")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    losses.set_ylabel("loss")
    losses.set_ylim(bottom=0)
    scores.set_ylabel("mean IoU")
    scores.set_ylim(0, 1)
    losses.legend(handles=lines, loc="best")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_durably(path, picture.getvalue())
