"""The options of a scene's map: what they mean, how they are written.

The one list of them: `predict_scene`, `predict_scenes`, the command line,
manifests and Beam are made from its fields. It needs neither NumPy nor GDAL,
as the command line reads its options before it loads anything.
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

# Headings in the command's help, in their order.
READING = "Input: how a scene is read"
FILES = "Output: what is written"
MODEL = "Model: which, and what it sees"
PREDICTING = "Quality: how it is predicted"
RUN = "Cost: time, memory, and resuming"
GROUPS = (READING, FILES, MODEL, PREDICTING, RUN)

# What the command line says about files beside a map.
ENDING = "For several scenes: what the names end in, "

_VIEW_STEP = 32


class HasColors(Protocol):
    """A `keras_rsseg.data.Palette`, or anything else with `colors`."""

    @property
    def colors(self) -> Sequence[Sequence[int]]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class SceneOptions(Options):
    """The options of `predict_scene`, whose docstring says what they mean.

    Raises:
        ArgumentError: if an option is out of range, or two conflict.
        TypeError: if there is no such option.

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
            otherwise="those that the model names, or all but alpha",
            check=unless_none(values.check_bands),
            read=values.read_bands,
            accepted="band numbers (from 1) or names, with commas",
            group=READING,
            per_scene=True,
        ),
    ] = None
    nodata: Annotated[
        float | Literal["border", "none"] | None,
        Option(
            'Value that means no data; or `"border"`: one plain colour, such '
            "as black or white, from the scene's border inwards; "
            'or `"none"`: the value that the scene states is data',
            otherwise="the scene's own",
            unit="as it is stored in the scene",
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
            "Reference system of the scene, such as EPSG:25832, where it "
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
            "Length of a pixel on the ground, for scenes that do not say",
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
            "Polygons outside which there is no data: a file (GeoJSON, "
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
            'that it states; `"scene"`: that of the scene',
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
            otherwise="the one that has polygons",
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
            "`None` the scene's own. Beyond a factor of 1.25 the scene is "
            "resampled (averaged or bilinear), and the probabilities are "
            "interpolated on its grid; beyond 4 times coarser, give a number.",
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
            "Values of the scene, the lower first, that become the model's "
            "lowest and highest, in the scene's units if it states a scale; "
            "or percentiles of a sample of it, such as 2%,98%",
            in_python='As `("2%", "98%")`. All bands share the two values.',
            otherwise="values as they are",
            check=unless_none(values.check_value_range),
            metavar="LOW,HIGH|P%,P%",
            read=values.read_range,
            accepted="two numbers or two percentages, with a comma",
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
            "Largest number of tiles in a batch",
            unit="tiles",
            check=check_positive,
            group=RUN,
        ),
    ] = 4
    test_time_augmentation: Annotated[
        Literal["flips", "d4"] | None,
        Option(
            'Average several predictions of each tile: `"flips"` of it and '
            'its three mirror images, `"d4"` of these turned by 90 degrees as '
            "well (4 or 8 times the time)",
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
            accepted="numbers with commas",
            group=PREDICTING,
        ),
    ] = (1.0,)
    strip_height: Annotated[
        int,
        Option(
            "Height of the strips in which a map is made and saved",
            unit="rows",
            check=check_positive,
            group=RUN,
        ),
    ] = 1024
    probabilities: Annotated[
        PathLike | None,
        Option(
            "GeoTIFF to write each class's probability to, one band per class",
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
            "GeoTIFF to write the uncertainty to",
            unit="0, sure, to 1",
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
            'Which uncertainty: `"entropy"`, `"margin"`, or `"variance"` '
            "between the predictions that `test_time_augmentation` or "
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
            in_python="A model without `get_weights` is identified only by "
            "its name.",
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
        """Distance between tiles, pixels."""
        if self.overlap is None:
            return self.tile_size - self.tile_size // 4
        return self.tile_size - self.overlap

    @property
    def view_sizes(self) -> list[int]:
        """Lengths of a tile as the model sees it, one for each scale.

        Networks halve a tile several times. If its length divides by a
        power of two up to 32, so do these.
        """
        step = math.gcd(self.tile_size, _VIEW_STEP)
        return [
            max(1, round(self.tile_size * scale / step)) * step
            for scale in self.scales
        ]

    def for_model(self, model: Any) -> Self:
        """Return the options with what a model says of itself filled in.

        Args:
            model: object that may have the attributes `ground_sample_distance`,
                `class_names`, `palette` and `display_palette`.
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
    """The options of `predict_scenes`: those of a scene, and a few more."""

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
