"""The options of `keras-rsseg predict`: its own, and those of scenes."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Annotated
from typing import Any

import typer

from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.cli.option_flags import flag_parameters
from keras_rsseg.cli.option_flags import in_groups
from keras_rsseg.cli.option_flags import speller
from keras_rsseg.cli.option_flags import take_values
from keras_rsseg.cli.terminal import quiet_flag
from keras_rsseg.cli.terminal import verbose_flag
from keras_rsseg.options import fields
from keras_rsseg.scene_options import ENDING
from keras_rsseg.scene_options import FILES
from keras_rsseg.scene_options import GROUPS
from keras_rsseg.scene_options import MODEL
from keras_rsseg.scene_options import RUN
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scene_options import ScenesOptions

# Arguments in the package's errors that have another name here. The scene's
# is left out, as nothing else lacks a flag.
_OWN_WORDS = {"destination": "--output", "output": "--output"}
_SPELL = speller(ScenesOptions, _OWN_WORDS)
_SCENE = re.compile("`(?:source|sources|jobs)`: ?")
# The package's warnings also name the flag.
_TWICE = re.compile(r"(--\w[\w-]*(?: \w+)?) \(\1\)")
_COLUMNS = ", ".join(
    field.name for field in fields(SceneOptions) if field.option.per_scene
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """A request of the command line: its own options, and those of scenes.

    Attributes:
        scenes: the scenes to map.
        output: path of the map, or the folder of maps.
        preset: name of the preset, or its folder; `None` for the default.
        polygons: path of the polygon file, or a suffix for several.
        style: whether to write a QGIS style.
        attribute_table: whether to write an attribute table for ArcGIS.
        preview: path of the PNG, or a suffix for several.
        mosaic: path of the virtual raster over the maps of several scenes.
        report: path of the report on several scenes.
        quiet: whether to print nothing but errors.
        verbose: whether to print every step.
        dry_run: whether to print what it would cost, and do nothing.
        options: options of all scenes.
    """

    scenes: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENE...",
            help="Raster to map: GeoTIFF, VRT, PNG ...; or several, a folder, "
            'a quoted pattern ("2024/**/*.jp2"), a manifest (CSV with the '
            f"columns scene, output, {_COLUMNS}, all but the first optional).",
        ),
    ]
    output: Annotated[
        str | None,
        typer.Option(
            help="GeoTIFF for the class map; with several scenes, the folder "
            "for their maps.",
            rich_help_panel=FILES,
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset name or folder, or a file of `keras-rsseg export`. "
            "Default: the small model that comes with the package.",
            rich_help_panel=MODEL,
        ),
    ] = None
    polygons: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File for the polygons of the classes: .gpkg, .geojson, "
            f".fgb, or .shp. {ENDING}.gpkg.",
            rich_help_panel=FILES,
        ),
    ] = None
    style: Annotated[
        bool,
        typer.Option(
            "--style",
            help="Write a QGIS style beside the map.",
            rich_help_panel=FILES,
        ),
    ] = False
    attribute_table: Annotated[
        bool,
        typer.Option(
            "--attribute-table",
            help="Write an attribute table (.vat.dbf) for ArcGIS beside the "
            "map.",
            rich_help_panel=FILES,
        ),
    ] = False
    preview: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help=f"PNG for a picture of the map. {ENDING}.png.",
            rich_help_panel=FILES,
        ),
    ] = None
    mosaic: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="VRT file, which joins the maps of several scenes.",
            rich_help_panel=FILES,
        ),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="CSV file for the report on several scenes. Default: "
            "report.csv among the maps.",
            rich_help_panel=FILES,
        ),
    ] = None
    quiet: Annotated[bool, quiet_flag(FILES)] = False
    verbose: Annotated[bool, verbose_flag(FILES)] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check everything, and print the expected sizes, tiles, disk "
            "and memory. No model is loaded and nothing is written.",
            rich_help_panel=RUN,
        ),
    ] = False
    options: ScenesOptions


def takes_flags(
    options: type[ScenesOptions],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function that takes a `Request`.

    Its flags are the fields of `Request` and those of the options. User
    errors are printed as one line in the words of the command line.

    Args:
        options: dataclass of the options that the request holds.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        others = dict(inspect.signature(function).parameters)
        del others["request"]

        def command(**given: Any) -> None:
            rest = {name: given.pop(name) for name in others}
            with plain_errors(in_flags):
                values = take_values(options, given, in_flags)
                request = Request(**given, options=options.of(values))
                function(**rest, request=request)

        own = [*others.values(), *_own_parameters()]
        flags = flag_parameters(options, in_flags)
        vars(command)["__signature__"] = inspect.Signature(
            in_groups([*own, *flags], GROUPS)
        )
        command.__name__ = function.__name__
        command.__doc__ = function.__doc__
        return command

    return decorate


def in_flags(text: str) -> str:
    """Return a message with options as the command line spells them.

    Args:
        text: the message in Python, such as "give `overwrite=True`".

    Returns:
        The message for users of the command, "give --overwrite".
    """
    return _TWICE.sub(r"\1", _SPELL(_SCENE.sub("", text)))


def check_ending(option: str, text: str | None) -> None:
    """Raise if the suffix for the files of several scenes is not one.

    Args:
        option: as the user wrote it, `"--preview"`.
        text: its value, `None` if it was not given.

    Raises:
        typer.BadParameter: it is not; says what is accepted.
    """
    if text is not None and (text[:1] not in "._-" or "/" in text):
        raise typer.BadParameter(
            "must, with several scenes, be a suffix that replaces .tif and "
            f"begins with . or _ or -, not {text!r}",
            param_hint=option,
        )


def _own_parameters() -> list[inspect.Parameter]:
    missing = dataclasses.MISSING
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default
            if field.default is not missing
            else inspect.Parameter.empty,
            annotation=field.type,
        )
        for field in dataclasses.fields(Request)
        if field.name != "options"
    ]
