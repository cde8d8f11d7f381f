"""An evaluation's figures as tables in Markdown."""

import math
from typing import TYPE_CHECKING

from keras_rsseg.tables import counted
from keras_rsseg.tables import markdown_table

if TYPE_CHECKING:
    from keras_rsseg.evaluation.evaluation_report import EvaluationReport

_MEANS = {
    "mean IoU": "mean_iou",
    "mean F1": "mean_f1",
    "mean precision": "mean_precision",
    "mean recall": "mean_recall",
    "pixel accuracy": "pixel_accuracy",
}


def to_markdown(report: "EvaluationReport") -> str:
    """Return an `EvaluationReport` as Markdown that reads well as text.

    Args:
        report: `EvaluationReport`.

    Returns:
        A str.
    """
    scores = report.scores
    parts = [
        f"# Evaluation of {report.model}",
        _facts(report),
        "Scores in percent; a dash where they are undefined.",
        markdown_table(
            ["protocol", *_MEANS, "pixels", "what is measured"],
            [
                [
                    _title(name),
                    *(_percent(getattr(s, attr)) for attr in _MEANS.values()),
                    f"{int(s.matrix.sum()):,}",
                    report.meaning(name),
                ]
                for name, s in scores.items()
            ],
        ),
    ]
    for title, attribute in (("IoU", "iou"), ("F1", "f1")):
        parts += [
            f"## {title} by class",
            _class_table(report, scores, attribute),
        ]
    if report.boundary_f1 is not None:
        parts += ["## Boundary F1 of each tile alone", _boundary_table(report)]
    return "\n\n".join(parts) + "\n"


def _facts(report):
    lines = [
        f"- protocol {report.protocol}: tiles of {report.tile_size} x "
        f"{report.tile_size} pixels, every {report.stride} pixels",
        f"- {counted(report.num_scenes, 'scene')}, "
        f"{counted(report.num_tiles, 'tile')}, "
        f"{report.num_pixels:,} pixels, of which {report.num_void_pixels:,} "
        f"({report.void_share:.1%}) are void and not scored",
    ]
    if report.left_out:
        names = ", ".join(report.class_names[i] for i in report.left_out)
        lines.append(
            f"- left out of the means: {names}. Their pixels still count, in "
            "pixel accuracy and as errors of other classes"
        )
    return "\n".join(lines)


def _class_table(report, scores, attribute):
    columns = [getattr(s, attribute) for s in scores.values()]
    shares = _shares(scores["scene"].matrix)
    return markdown_table(
        ["class", "share of pixels", *map(_title, scores)],
        [
            [
                name + (" (left out)" if i in report.left_out else ""),
                _percent(shares[i]),
                *(_percent(column[i]) for column in columns),
            ]
            for i, name in enumerate(report.class_names)
        ],
    )


def _shares(matrix):
    return matrix.sum(axis=1) / max(matrix.sum(), 1)


def _boundary_table(report):
    return markdown_table(
        ["tolerance", "mean boundary F1"],
        [
            [f"{tolerance:g} px", _percent(value)]
            for tolerance, value in report.boundary_f1.items()
        ],
    )


def _title(name):
    return name.replace("_", ", ")


def _percent(value):
    return f"{100 * value:.2f}" if math.isfinite(value) else "-"
