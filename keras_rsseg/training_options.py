"""The options of a training run: what they mean and how they are written.

`train`, the command line and its YAML files take their options from these
fields. Like `scene_options`, the module needs neither NumPy nor GDAL.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Annotated
from typing import Any
from typing import Literal

from keras_rsseg import option_values as values
from keras_rsseg.checks import as_number
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import check_share
from keras_rsseg.checks import is_integer
from keras_rsseg.checks import unless_none
from keras_rsseg.errors import ArgumentError
from keras_rsseg.label_options import LABELS
from keras_rsseg.label_options import READING
from keras_rsseg.label_options import LabelOptions
from keras_rsseg.options import Option
from keras_rsseg.typing import PathLike

# Headings in the command's help, in order.
SPLIT = "Split: what to train on and what to validate with"
SCHEDULE = "Training: where to start, how long to train"
RUN = "Run: resuming, replacing, trying out"
GROUPS = (LABELS, SPLIT, READING, SCHEDULE, RUN)

# From this many images on, whole images are held out.
MANY_IMAGES = 5


def _positive(name: str, value: Any) -> float:
    number = as_number(value)
    if not 0 < number < math.inf:
        raise ArgumentError(
            f"`{name}` must be a positive number. Received: {name}={value!r}"
        )
    return number


def _seed(name: str, value: Any) -> int:
    if not is_integer(value) or not 0 <= value < 2**31:
        raise ArgumentError(
            f"`{name}` must be an integer from 0 to {2**31 - 1}. Received: "
            f"{name}={value!r}"
        )
    return int(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(LabelOptions):
    """The options of `keras_rsseg.train`, whose docstring says what they mean.

    Raises:
        ArgumentError: an option is out of range, or two contradict each other.
        TypeError: there is no such option.

    Example:

    ```python
    options = keras_rsseg.training.TrainingOptions(epochs=5)
    options.batch_size  # 4
    ```
    """

    preset: Annotated[
        PathLike | None,
        Option(
            "Preset to start from, by name or folder",
            otherwise="the small model that comes with the package",
            metavar="PRESET",
            read=str,
            group=SCHEDULE,
        ),
    ] = None
    validation_images: Annotated[
        Any,
        Option(
            "Images to validate with, instead of holding some out",
            otherwise="part of the images",
            metavar="IMAGES",
            read=str,
            group=SPLIT,
        ),
    ] = None
    validation_masks: Annotated[
        Any,
        Option(
            "Masks of the validation images",
            otherwise="none",
            metavar="MASKS",
            read=str,
            group=SPLIT,
        ),
    ] = None
    validation: Annotated[
        float,
        Option(
            "Share of the area to validate with", check=check_share, group=SPLIT
        ),
    ] = 0.2
    split: Annotated[
        Literal["auto", "scene", "block"],
        Option(
            'What to hold out: `"scene"`: whole images; `"block"`: square '
            f'blocks of images; `"auto"`: images if there are {MANY_IMAGES} or '
            "more",
            **values.one_of("auto", "scene", "block"),
            read=str,
            accepted="auto, scene or block",
            group=SPLIT,
        ),
    ] = "auto"
    block_size: Annotated[
        int | None,
        Option(
            "Side of a block, in the images as read",
            unit="pixels",
            otherwise="about 16 blocks in all",
            check=unless_none(check_positive),
            group=SPLIT,
        ),
    ] = None
    band_names: Annotated[
        Sequence[str] | None,
        Option(
            "Names of the bands, if they differ from the preset's",
            otherwise="the preset's",
            check=unless_none(values.check_class_names),
            metavar="NAME,NAME...",
            read=values.read_names,
            accepted="names, separated by commas",
            group=READING,
        ),
    ] = None
    ground_sample_distance: Annotated[
        float | Literal["auto"] | None,
        Option(
            'Pixel size at which to read images, in metres; `"auto"`: the '
            "preset's if the images are at least twice as fine, else the "
            "images' own",
            in_python="`None` for the images' own.",
            on_command_line="native for the images' own.",
            check=values.check_distance,
            flag="--gsd",
            metavar="METRES|auto|native",
            read=values.read_distance,
            accepted="a number of metres, auto or native",
            group=READING,
        ),
    ] = "auto"
    tile_size: Annotated[
        int,
        Option(
            "Length of a tile",
            unit="pixels",
            check=check_positive,
            group=READING,
        ),
    ] = 256
    sampling: Annotated[
        Literal["random", "balanced"],
        Option(
            'How tiles are drawn: `"random"`: uniformly; `"balanced"`: around '
            "pixels of each class equally often, for rare classes",
            **values.one_of("random", "balanced"),
            read=str,
            accepted="random or balanced",
            group=READING,
        ),
    ] = "random"
    augmentation: Annotated[
        Literal["all", "geometry", "none"],
        Option(
            'Augmentation of tiles: `"all"`; `"geometry"`: no changes of '
            "colour, as always unless there are three 8-bit bands; "
            '`"none"`',
            **values.one_of("all", "geometry", "none"),
            read=str,
            accepted="all, geometry or none",
            group=READING,
        ),
    ] = "all"
    epochs: Annotated[
        int,
        Option(
            "Number of epochs; the validation data are scored after each",
            check=check_positive,
            group=SCHEDULE,
        ),
    ] = 20
    steps_per_epoch: Annotated[
        int | None,
        Option(
            "Number of batches in an epoch",
            otherwise="enough to cover the training area once, 20 to 250",
            check=unless_none(check_positive),
            group=SCHEDULE,
        ),
    ] = None
    batch_size: Annotated[
        int,
        Option("Tiles in a batch", check=check_positive, group=SCHEDULE),
    ] = 4
    learning_rate: Annotated[
        float,
        Option(
            "Peak learning rate, reached after a tenth of the steps (10 to "
            "500); it then falls to 0",
            check=_positive,
            group=SCHEDULE,
        ),
    ] = 2e-4
    precision: Annotated[
        str | None,
        Option(
            "Precision to compute in, such as mixed_bfloat16",
            otherwise="mixed_bfloat16 on a GPU, else float32",
            check=unless_none(values.check_text),
            metavar="POLICY",
            read=str,
            group=SCHEDULE,
        ),
    ] = None
    seed: Annotated[
        int,
        Option("Random seed", check=_seed, group=SCHEDULE),
    ] = 1
    limit: Annotated[
        int | None,
        Option(
            "Only try it out: two epochs of this many batches of two tiles, "
            "scored on as many tiles",
            otherwise="no limit",
            check=unless_none(check_positive),
            group=RUN,
        ),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "Resume an interrupted training with the same options; start "
            "one if there is none",
            check=values.check_switch,
            group=RUN,
        ),
    ] = False
    overwrite: Annotated[
        bool,
        Option(
            "Replace an existing preset, and what an interrupted training left",
            check=values.check_switch,
            group=RUN,
        ),
    ] = False
    # The command has --quiet.
    progress: Annotated[
        bool,
        Option("Show progress on stderr", check=values.check_switch, flag=None),
    ] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [
            name
            for name in ("classes", "num_classes", "palette")
            if getattr(self, name) is not None
        ]
        if "num_classes" in given and len(given) > 1:
            raise ArgumentError(
                f"`{given[0] if given[0] != 'num_classes' else given[1]}` "
                "already sets `num_classes`; leave one of them out"
            )
        if (self.validation_images is None) != (self.validation_masks is None):
            raise ArgumentError(
                "Give both `validation_images` and `validation_masks`, or "
                "neither"
            )
