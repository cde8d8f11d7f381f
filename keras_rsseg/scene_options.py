"""The options for mapping a scene: what they mean and how they are written.

`predict_scene`, `predict_scenes`, the command line, manifests and Beam all
take their options from these fields. The module needs neither NumPy nor GDAL,
as the command line must know its options before it loads anything.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Annotated
from typing import Any
from typing import Literal
from typing import Protocol
from typing import Self

from keras_rsseg import option_values as values
from keras_rsseg.checks import check_not_negative
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import unless_none
from keras_rsseg.class_legends import colors_of
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import Option
from keras_rsseg.options import Options
from keras_rsseg.typing import PathLike

UNCERTAINTY_KINDS = ("entropy", "margin", "variance")
RASTER_DTYPES = ("uint8", "float16")

# Headings in the command's help, in order.
READING = "Input: how a scene is read"
FILES = "Output: what to write"
MODEL = "Model: which one, and what it sees"
PREDICTING = "Quality: how it is predicted"
RUN = "Cost: time, memory and resuming"
GROUPS = (READING, FILES, MODEL, PREDICTING, RUN)

# What the command line says about files beside a map.
ENDING = "With several scenes: the suffix of the names, "

_VIEW_STEP = 32


class HasColors(Protocol):
    """A `keras_rsseg.data.Palette`, or anything else with `colors`."""

    @property
    def colors(self) -> Sequence[Sequence[int]]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class SceneOptions(Options):
    """The options of `predict_scene`, whose docstring says what they mean.

    Raises:
        ArgumentError: an option is out of range, or two contradict each other.
        TypeError: there is no such option.

    Example:

    ```python
    options = keras_rsseg.scenes.SceneOptions(tile_size=64)
    options.stride  # 48
    ```
    """

    bands: Annotated[
        Sequence[int | str] | None,
        Option(
            "Bands to read, by number (from 1) or name, in the model's order",
            otherwise="the bands that the model names, or all but alpha",
            check=unless_none(values.check_bands),
            read=values.read_bands,
            accepted="band numbers (from 1) or names, separated by commas",
            group=READING,
            per_scene=True,
        ),
    ] = None
    nodata: Annotated[
        float | Literal["border", "none"] | None,
        Option(
            'Value that means no data; or `"border"`: pixels of one plain '
            "colour, such as black or white, from the scene's border inwards; "
            'or `"none"`: treat the nodata value that the scene states as data',
            otherwise="the scene's own",
            unit="as stored in the scene",
            check=values.check_nodata,
            metavar="VALUE|border|none",
            read=values.read_nodata,
            accepted="a number or border or none",
            group=READING,
            per_scene=True,
        ),
    ] = None
    alpha: Annotated[
        Literal["auto", "none"],
        Option(
            '`"auto"`: there is no data where a band tagged as alpha is 0; '
            '`"none"`: that band is data, such as near infrared',
            **values.one_of("auto", "none"),
            read=str,
            accepted="auto or none",
            group=READING,
            per_scene=True,
        ),
    ] = "auto"
    crs: Annotated[
        Any,
        Option(
            "Reference system of the scene, such as EPSG:25832, if it "
            "states none",
            in_python="Anything that `rasterio.crs.CRS.from_user_input` takes.",
            otherwise="none",
            metavar="CRS",
            read=str,
            accepted="a reference system",
            group=READING,
            per_scene=True,
        ),
    ] = None
    pixel_size: Annotated[
        float | None,
        Option(
            "Pixel size on the ground, for scenes that do not state it",
            unit="metres",
            otherwise="unknown",
            check=unless_none(values.check_pixel_size),
            metavar="METRES",
            read=float,
            accepted="a number of metres",
            group=READING,
            per_scene=True,
        ),
    ] = None
    area: Annotated[
        Any,
        Option(
            "Area to map, with no data outside: a file of polygons (GeoJSON, "
            "GeoPackage, KML ...), WKT, or a box: W,S,E,N",
            in_python="Or anything else that "
            "`keras_rsseg.scenes.AreaOfInterest` takes.",
            metavar="FILE|W,S,E,N",
            read=str,
            accepted="a path, WKT or W,S,E,N",
            group=READING,
            per_scene=True,
        ),
    ] = None
    area_crs: Annotated[
        Any,
        Option(
            "Reference system of the area's coordinates, instead of the one "
            'it states; `"scene"`: that of the scene',
            otherwise="the area's own",
            metavar="CRS|scene",
            read=str,
            accepted="a reference system or scene",
            group=READING,
            per_scene=True,
        ),
    ] = None
    area_layer: Annotated[
        str | None,
        Option(
            "Layer of the area's file",
            otherwise="the one with polygons",
            check=unless_none(values.check_text),
            metavar="NAME",
            read=str,
            accepted="the name of a layer",
            group=READING,
            per_scene=True,
        ),
    ] = None
    crop: Annotated[
        bool,
        Option(
            "Write the map of the area's extent, not of the whole scene",
            check=values.check_switch,
            read=values.read_switch,
            accepted="yes or no",
            group=READING,
            per_scene=True,
        ),
    ] = True
    ground_sample_distance: Annotated[
        float | Literal["auto"] | None,
        Option(
            "Pixel size at which the model sees the scene",
            unit="metres",
            in_python='`"auto"` takes the one that the model was trained at, '
            "`None` the scene's own. If they differ by more than a factor of "
            "1.25, the scene is resampled (averaged or bilinear) and the "
            "probabilities are interpolated back to its grid. For scenes over "
            "4 times coarser, give a number.",
            on_command_line="auto: the model's; native: the scene's.",
            check=values.check_distance,
            flag="--gsd",
            metavar="auto|native|METRES",
            read=values.read_distance,
            accepted="auto, native or metres",
            group=MODEL,
            per_scene=True,
        ),
    ] = "auto"
    resample: Annotated[
        Literal["auto", "never"],
        Option(
            '`"auto"`: resample the scene to that pixel size; `"never"`: keep '
            "its pixels and warn",
            **values.one_of("auto", "never"),
            group=MODEL,
        ),
    ] = "auto"
    value_range: Annotated[
        tuple[float, float] | tuple[str, str] | None,
        Option(
            "Values of the scene, the lower first, that map to the model's "
            "lowest and highest, in the scene's units if it states a scale; "
            "or percentiles of a sample of the scene, such as 2%,98%",
            in_python='As `("2%", "98%")`. All bands share the two values.',
            otherwise="unscaled values",
            check=unless_none(values.check_value_range),
            metavar="LOW,HIGH|P%,P%",
            read=values.read_range,
            accepted="two numbers or two percentages, separated by a comma",
            group=READING,
            per_scene=True,
        ),
    ] = None
    tile_size: Annotated[
        int,
        Option(
            "Length of a tile",
            unit="pixels of the model's grid",
            check=check_positive,
            group=PREDICTING,
        ),
    ] = 512
    overlap: Annotated[
        int | None,
        Option(
            "Smallest overlap of neighbouring tiles",
            unit="pixels",
            otherwise="a quarter of `tile_size`",
            check=unless_none(values.check_overlap),
            group=PREDICTING,
        ),
    ] = None
    batch_size: Annotated[
        int,
        Option(
            "Maximum number of tiles in a batch",
            unit="tiles",
            check=check_positive,
            group=RUN,
        ),
    ] = 4
    test_time_augmentation: Annotated[
        Literal["flips", "d4"] | None,
        Option(
            'Average several predictions of each tile: `"flips"`: it and its '
            'three mirror images; `"d4"`: these rotated by 90 degrees as '
            "well (takes 4 or 8 times as long)",
            **values.one_of(None, "flips", "d4"),
            flag="--tta",
            group=PREDICTING,
        ),
    ] = None
    scales: Annotated[
        Sequence[float],
        Option(
            "Average the predictions of each tile at these sizes, relative to "
            "its own",
            unit="factors",
            in_python="Such as `(0.75, 1.0, 1.25)`.",
            on_command_line="Such as 0.75,1,1.25.",
            check=values.check_scales,
            metavar="SCALE,...",
            read=values.read_numbers,
            accepted="numbers, separated by commas",
            group=PREDICTING,
        ),
    ] = (1.0,)
    strip_height: Annotated[
        int,
        Option(
            "Height of the strips in which a map is computed and saved",
            unit="rows",
            check=check_positive,
            group=RUN,
        ),
    ] = 1024
    probabilities: Annotated[
        PathLike | None,
        Option(
            "GeoTIFF for the class probabilities, one band per class",
            unit="0 to 1",
            on_command_line=ENDING + "_prob.tif.",
            check=unless_none(values.check_path),
            metavar="FILE",
            group=FILES,
            beside_map=True,
        ),
    ] = None
    uncertainty: Annotated[
        PathLike | None,
        Option(
            "GeoTIFF for the uncertainty",
            unit="0 = certain, to 1",
            on_command_line=ENDING + "_unsure.tif.",
            check=unless_none(values.check_path),
            metavar="FILE",
            group=FILES,
            beside_map=True,
        ),
    ] = None
    uncertainty_kind: Annotated[
        Literal["entropy", "margin", "variance"],
        Option(
            'Kind of uncertainty: `"entropy"`, `"margin"`, or `"variance"` '
            "across the predictions that `test_time_augmentation` or "
            "`scales` ask for",
            in_python="See `keras_rsseg.scenes.Product`.",
            **values.one_of(*UNCERTAINTY_KINDS),
            group=FILES,
        ),
    ] = "entropy"
    raster_dtype: Annotated[
        Literal["uint8", "float16"],
        Option(
            "How `probabilities` and `uncertainty` are stored",
            **values.one_of(*RASTER_DTYPES),
            group=FILES,
        ),
    ] = "uint8"
    class_names: Annotated[
        Sequence[str] | None,
        Option(
            "Names of the classes, in the order of their ids",
            otherwise="the model's",
            check=unless_none(values.check_class_names),
            flag=None,
        ),
    ] = None
    palette: Annotated[
        Sequence[Sequence[int]] | HasColors | None,
        Option(
            "Colours of the classes, `(red, green, blue)` from 0 to 255",
            otherwise="the model's",
            check=unless_none(values.check_palette),
            flag=None,
        ),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "Resume an interrupted run of the same scene, model and options: "
            "finished maps and strips are kept",
            in_python="A model without `get_weights` is identified by its "
            "name alone.",
            check=values.check_switch,
            group=RUN,
        ),
    ] = False
    overwrite: Annotated[
        bool,
        Option(
            "Replace existing files", check=values.check_switch, group=FILES
        ),
    ] = False
    # The command has --quiet, which does more.
    progress: Annotated[
        bool,
        Option("Show progress on stderr", check=values.check_switch, flag=None),
    ] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride < 1:
            raise ArgumentError(
                "`overlap` must be an integer from 0 to `tile_size` - 1, in "
                f"pixels. Received: overlap={self.overlap!r}, "
                f"tile_size={self.tile_size}"
            )
        sizes = self.view_sizes
        if len(set(sizes)) < len(sizes):
            raise ArgumentError(
                "`scales` must give views of different sizes. Received: "
                f"scales={self.scales!r}, for tiles of {self.tile_size} "
                f"pixels: {sizes}"
            )
        if (
            self.uncertainty is not None
            and self.uncertainty_kind == "variance"
            and self.test_time_augmentation is None
            and len(sizes) == 1
        ):
            raise ArgumentError(
                "`uncertainty_kind='variance'` needs several views of each "
                "tile: give `test_time_augmentation` or `scales`"
            )

    @property
    def stride(self) -> int:
        """Distance between tiles, in pixels."""
        if self.overlap is None:
            return self.tile_size - self.tile_size // 4
        return self.tile_size - self.overlap

    @property
    def view_sizes(self) -> list[int]:
        """Lengths of a tile as the model sees it, one for each scale.

        Networks halve a tile several times. If its length is divisible by a
        power of two up to 32, so are these.
        """
        step = math.gcd(self.tile_size, _VIEW_STEP)
        return [
            max(1, round(self.tile_size * scale / step)) * step
            for scale in self.scales
        ]

    def for_model(self, model: Any) -> Self:
        """Return the options, completed with what the model states.

        Args:
            model: any object; its attributes `ground_sample_distance`,
                `class_names`, `palette` and `display_palette` are used if
                it has them.
        """
        of_model = {
            "class_names": getattr(model, "class_names", None),
            "palette": colors_of(model),
        }
        filled = {
            name: value
            for name, value in of_model.items()
            if getattr(self, name) is None
        }
        if self.ground_sample_distance == "auto":
            own = getattr(model, "ground_sample_distance", None)
            filled["ground_sample_distance"] = own
        return self.changed(filled)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScenesOptions(SceneOptions):
    """The options of `predict_scenes`: those of `predict_scene`, and more."""

    minimum_area: Annotated[
        float,
        Option(
            "In polygons, merge patches smaller than this into a neighbour",
            unit="m2",
            in_python="See `keras_rsseg.scenes.write_polygons`.",
            check=check_not_negative,
            group=FILES,
        ),
    ] = 0.0
    simplify: Annotated[
        float,
        Option(
            "In polygons, simplify outlines by this tolerance",
            unit="m",
            check=check_not_negative,
            group=FILES,
        ),
    ] = 0.0
