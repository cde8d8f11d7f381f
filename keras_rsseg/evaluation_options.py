"""The options of an evaluation: what they mean and how they are written.

`evaluate` and the command line take their options from these fields. Like
`scene_options`, the module needs neither NumPy nor GDAL.
"""

import dataclasses
import numbers
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Annotated
from typing import Any

from keras_rsseg import option_values as values
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import is_integer
from keras_rsseg.checks import unless_none
from keras_rsseg.errors import ArgumentError
from keras_rsseg.label_options import LABELS
from keras_rsseg.label_options import READING
from keras_rsseg.label_options import MaskOptions
from keras_rsseg.options import Option
from keras_rsseg.typing import PathLike

# Headings in the command's help, in order.
SCORES = "Scores: how tiles and scenes are scored"
REPORT = "Report: where the scores go"
GROUPS = (LABELS, READING, SCORES, REPORT)

# The cost grows with the square, and few pixels would be left to score.
_MOST_ERODED = 50


def _eroded(name: str, value: Any) -> float:
    if not isinstance(value, numbers.Real) or not (
        1 <= float(value) <= _MOST_ERODED
    ):
        raise ArgumentError(
            f"`{name}` must be None or 1 to {_MOST_ERODED} pixels. Received: "
            f"{value!r}"
        )
    return value  # type: ignore[return-value]


def _read_eroded(text: str) -> float | None:
    """Read a number of pixels, 0 for none."""
    return float(text) or None


def _number_of_tiles(name: str, value: Any) -> int:
    if not is_integer(value) or value < 0:
        raise ArgumentError(
            f"`{name}` must be an integer, 0 or more. Received: {value!r}"
        )
    return int(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationOptions(MaskOptions):
    """The options of `keras_rsseg.evaluate`, whose docstring explains them.

    Raises:
        ArgumentError: if an option is out of range.
        TypeError: if there is no such option.

    Example:

    ```python
    from keras_rsseg.evaluation_options import EvaluationOptions

    EvaluationOptions(eroded=None).batch_size  # 4
    ```
    """

    palette: Annotated[
        Any,
        Option(
            "What the colours of masks mean, also used in the report; "
            '`"ids"` if masks hold ids and their colour map is only for show',
            in_python="A `keras_rsseg.data.Palette` or a list of `(r, g, b)`.",
            on_command_line="A data set's name, or a JSON file such as "
            '{"colors": [[255, 0, 0], ...], "void_colors": [[0, 0, 0]]}.',
            otherwise="the model's",
            metavar="NAME|FILE|ids",
            read=str,
            group=LABELS,
        ),
    ] = None
    class_names: Annotated[
        Sequence[str] | None,
        Option("Names of the classes", otherwise="the model's", flag=None),
    ] = None
    eroded: Annotated[
        float | None,
        Option(
            "Pixels to leave out on either side of class boundaries, for "
            "a second set of scores beside those of all pixels",
            in_python="See `keras_rsseg.evaluation.erode_boundaries`; `None` "
            "for no such scores.",
            on_command_line="0 for no such scores.",
            check=unless_none(_eroded),
            metavar="PIXELS",
            read=_read_eroded,
            accepted="a number of pixels",
            group=SCORES,
        ),
    ] = 3
    # A list on the command line, which repeats --leave-out.
    left_out: Annotated[
        Iterable[str | int],
        Option(
            "Names or ids of classes to exclude from the means, such as "
            "clutter; their pixels still count as errors of other classes "
            "and in pixel accuracy",
            flag=None,
        ),
    ] = ()
    boundary_f1: Annotated[
        bool,
        Option(
            "Also score the boundaries of each tile, which takes longer",
            in_python="By `keras_rsseg.metrics.BoundaryF1`.",
            check=values.check_switch,
            group=SCORES,
        ),
    ] = False
    batch_size: Annotated[
        int,
        Option(
            "Maximum number of tiles in a batch",
            check=check_positive,
            group=SCORES,
        ),
    ] = 4
    num_worst_tiles: Annotated[
        int,
        Option(
            "Number of tiles with the most wrong pixels to show in the "
            "report, each with image, truth and prediction",
            check=_number_of_tiles,
            flag="--worst-tiles",
            group=REPORT,
        ),
    ] = 6
    output: Annotated[
        PathLike | None,
        Option(
            "Folder for the report: tables, JSON, confusion matrix, worst "
            "tiles",
            in_python="See `EvaluationReport.save`. Checked before the run.",
            otherwise="none",
            metavar="FOLDER",
            read=str,
            group=REPORT,
        ),
    ] = None
    overwrite: Annotated[
        bool,
        Option(
            "Replace an older report", check=values.check_switch, group=REPORT
        ),
    ] = False
    # The command has --quiet.
    progress: Annotated[
        bool,
        Option("Show progress on stderr", check=values.check_switch, flag=None),
    ] = True
