"""`keras-rsseg info`: describe a scene, a preset or a map."""

import os
import pathlib
import textwrap
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.dry_run import estimate_lines
from keras_rsseg.cli.dry_run import format_bytes
from keras_rsseg.cli.predict_options import in_flags
from keras_rsseg.cli.presets import as_text
from keras_rsseg.cli.presets import summary
from keras_rsseg.cli.terminal import screen_size
from keras_rsseg.cli.terminal import swatch
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.hub.registry import did_you_mean
from keras_rsseg.hub.registry import preset_facts
from keras_rsseg.hub.registry import registered_presets
from keras_rsseg.tables import text_table

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

EXAMPLES = (
    "keras-rsseg info examples/data/harbour.tif",
    "keras-rsseg info hrnet_ifwm_w18_land_cover",
)

# Facts of a preset that fit on a screen, and their labels.
SHOWN = {
    "task": "network",
    "bands": "bands",
    "ground_sample_distance": "pixel size (m)",
    "ground_sample_distances": "trained from, to",
    "dataset": "trained on",
    "licence": "licence",
    "intended_use": "use",
    "limits": "limits",
}
_HEAD = 18

_HANDLES = ("hf://", "https://huggingface.co/")
# Tags of a map, in the order shown.
_MADE_BY = {
    "preset": "preset",
    "model": "network",
    "scene": "scene",
    "TIFFTAG_SOFTWARE": "software",
    "ground_sample_distance": "read at",
    "tile_size": "tiles",
    "test_time_augmentation": "augmentation",
    "value_range": "values",
}


def info(
    target: Annotated[
        str,
        typer.Argument(
            metavar="SCENE|PRESET|MAP",
            help="A raster, the name or folder of a preset, or a map that "
            "`predict` wrote.",
        ),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset to map a scene with. Default: the small model that "
            "comes with the package."
        ),
    ] = None,
) -> None:
    """Describe a scene, a preset or a map; no model is loaded."""
    if _is_preset(target):
        lines = _about_preset(target)
    elif target.startswith("/vsi") or "://" in target or os.path.exists(target):
        lines = _about_raster(target, preset or keras_rsseg.DEFAULT_PRESET)
    elif any(os.path.exists(part) for part in target.split("+")):
        lines = _about_raster(target, preset or keras_rsseg.DEFAULT_PRESET)
    else:
        raise ArgumentError(
            f"There is no file or preset {target!r}{did_you_mean(target)}"
        )
    for line in lines:
        typer.echo(line)


def _is_preset(target: str) -> bool:
    if target in registered_presets() or target.startswith(_HANDLES):
        return True
    return (pathlib.Path(target) / "task.json").is_file()


# === A preset ===


def _about_preset(name: str) -> Iterator[str]:
    """Yield its facts, and its classes in their colours."""
    if name in registered_presets():
        facts = preset_facts(name)
    else:
        facts = _facts_of_folder(name)
    yield f"{name}: {facts.get('description', facts['handle'])}"
    yield from _row_lines(
        {SHOWN[key]: as_text(facts[key]) for key in SHOWN if facts.get(key)}
    )
    yield from _row_lines({"weights": "; ".join(summary(facts))})
    names = facts.get("class_names") or ()
    if names:
        colors = facts.get("display_palette") or facts.get("palette")
        yield "\nclasses"
        yield from _class_lines(names, colors, *_scores(facts, names))
    if name in registered_presets():
        yield f"\nAll facts: keras-rsseg presets {name}"


def _facts_of_folder(name: str) -> dict[str, Any]:
    from keras_rsseg.hub.facts import read_card
    from keras_rsseg.hub.preset_facts import read_preset_facts
    from keras_rsseg.hub.preset_files import preset_files
    from keras_rsseg.hub.preset_folder import resolve_preset

    folder, downloaded = resolve_preset(name, load_weights=False)
    own = vars(read_preset_facts(name))
    return {
        **{key: value for key, value in own.items() if value is not None},
        **read_card(folder),
        "handle": name,
        "available": True,
        "where": "cache" if downloaded else "folder",
        "size": sum(path.stat().st_size for path in preset_files(folder)),
    }


def _scores(facts: dict[str, Any], names: list[str]) -> Iterator[list[str]]:
    """Yield a column for each place where the classes were scored."""
    score = facts.get("score") or {}
    places = score.get("places", {})
    scored = {"": score.get("classes")} if score.get("classes") else {}
    scored |= {key: place.get("classes") for key, place in places.items()}
    for place, ious in scored.items():
        if ious:
            yield [
                f"IoU {ious[name]:.3f} {place}".rstrip() if name in ious else ""
                for name in names
            ]


# === A raster ===


def _about_raster(target: str, preset: str) -> Iterator[str]:
    from keras_rsseg.scenes.reading.scene_file import open_scene

    with open_scene(target) as dataset:
        is_map = dataset.count == 1 and "class_0" in dataset.tags(1)
        rows = dict(_raster_rows(dataset))
        if is_map:
            yield f"{target}: a class map"
            yield from _row_lines({**rows, **_provenance(dataset)})
            yield from _class_shares(dataset)
            return
    yield f"{target}: a scene"
    yield from _row_lines(rows)
    yield from _what_predict_needs(target, preset)


def _raster_rows(dataset: "DatasetReader") -> Iterator[tuple[str, str]]:
    from keras_rsseg.rasters.validity import Validity
    from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
    from keras_rsseg.scenes.reading.ground_size import lacks_place
    from keras_rsseg.scenes.reading.ground_size import scene_georeference

    height, width = dataset.shape
    yield "size", f"{width:,} x {height:,} pixels{_file_size(dataset)}"
    size = ground_pixel_size(dataset)
    if size is None:
        yield "pixel size", "unknown: give --pixel-size METRES to predict"
    else:
        across, down = width * size[0], height * size[1]
        pixel = f"{size[0]:.3g}"
        if f"{size[1]:.3g}" != pixel:
            pixel += f" x {size[1]:.3g}"
        yield "pixel size", f"{pixel} m ({_metres(across)} x {_metres(down)})"
    crs, _ = scene_georeference(dataset)
    place = str(lacks_place(dataset)) if crs is None else _name(crs)
    yield "reference system", place
    yield "bands", f"{dataset.count} of {_dtypes(dataset)}{_band_list(dataset)}"
    bands = list(range(1, dataset.count + 1))
    validity = Validity(dataset, bands)
    yield "no data", ", ".join(_signs(dataset, validity)) or "not marked"


def _file_size(dataset: "DatasetReader") -> str:
    try:
        return f", {format_bytes(os.path.getsize(dataset.name))}"
    except OSError:
        return ""


def _metres(length: float) -> str:
    return f"{length:,.0f} m" if length < 1e4 else f"{length / 1e3:,.1f} km"


def _name(crs: Any) -> str:
    """The code of a reference system, and its name."""
    name = crs.to_wkt().partition('"')[2].partition('"')[0]
    code = crs.to_string()
    return f"{code} ({name})" if len(code) < 30 else name


def _dtypes(dataset: "DatasetReader") -> str:
    return ", ".join(dict.fromkeys(dataset.dtypes))


def _band_list(dataset: "DatasetReader") -> str:
    from keras_rsseg.rasters.bands import band_names

    found = [name or color for name, color in band_names(dataset)]
    told = [name for name in found if name not in ("undefined", "")]
    if not told:
        return ""
    shown = found[:12] + ["..."] * (len(found) > 12)
    return f": {', '.join(shown)}"


def _signs(dataset: "DatasetReader", validity: Any) -> Iterator[str]:
    if validity.nodata is not None:
        yield f"where the value is {validity.nodata:g}"
    if validity.alpha is not None:
        yield f"where band {validity.alpha} (alpha) is 0"
    if validity.needs_mask and not list(_stated(validity)):
        yield "by a mask"


def _stated(validity: Any) -> Iterator[Any]:
    yield from (v for v in (validity.nodata, validity.alpha) if v is not None)


def _what_predict_needs(target: str, preset: str) -> Iterator[str]:
    """Yield what a map would cost, or why it cannot be made."""
    from keras_rsseg.hub.preset_facts import read_preset_facts
    from keras_rsseg.scene_options import SceneOptions
    from keras_rsseg.scenes.predicting.scene_estimate import estimate_scene

    yield f"\nmapped with {preset}"
    model = read_preset_facts(preset)
    distance = model.ground_sample_distance
    wanted = {
        "bands": ", ".join(map(str, model.bands or ())) or "not stated",
        "pixel size": "any" if distance is None else f"{distance:g} m",
    }
    yield from _row_lines({f"wants {key}": v for key, v in wanted.items()})
    try:
        estimate = estimate_scene(model, target, SceneOptions())
    except KerasRssegError as error:
        yield f"  It would fail: {in_flags(' '.join(str(error).split()))}"
        return
    for line in estimate_lines(estimate):
        yield f"  {line}"
    scene = target if "+" not in target else f'"{target}"'
    stem = pathlib.Path(target.partition("+")[0]).stem
    options = f"--output {stem}_classes.tif"
    if preset != keras_rsseg.DEFAULT_PRESET:
        options = f"--preset {preset} {options}"
    yield f"\nkeras-rsseg predict {scene} {options}"


# === A map ===


def _provenance(dataset: "DatasetReader") -> dict[str, str]:
    tags = dataset.tags()
    found = {
        shown: tags[tag] for tag, shown in _MADE_BY.items() if tags.get(tag)
    }
    for tag, unit in (("read at", " m"), ("tiles", " pixels")):
        if found.get(tag, "native") != "native":
            found[tag] += unit
    return found


def _class_shares(dataset: "DatasetReader") -> Iterator[str]:
    from keras_rsseg.scenes.many.scene_report import format_area
    from keras_rsseg.scenes.maps.class_map import count_classes
    from keras_rsseg.scenes.maps.class_map import read_legend
    from keras_rsseg.scenes.reading.ground_areas import GroundAreas
    from keras_rsseg.void import VOID

    legend, counts = read_legend(dataset), count_classes(dataset)
    names = legend.names or []
    valid = int(counts[:VOID].sum())
    ground = GroundAreas.of(dataset)
    sizes = [f"{counts[index]:,} pixels" for index in range(len(names))]
    if ground is not None:
        areas = ground.of_classes(dataset, counts)
        sizes = [format_area(float(areas[i])) for i in range(len(names))]
    yield f"\nclasses ({valid / counts.sum():.1%} of the map is valid)"
    shares = [f"{counts[i] / max(1, valid):.1%}" for i in range(len(names))]
    yield from _class_lines(names, legend.colors, sizes, shares)


# === Lines ===


def _row_lines(rows: dict[str, str]) -> Iterator[str]:
    width = max(60, min(screen_size()[0], 100)) - _HEAD - 2
    for key, value in rows.items():
        for line in textwrap.wrap(value, width, break_on_hyphens=False):
            yield f"  {key:<{_HEAD}}{line}"
            key = ""


def _class_lines(
    names: Iterable[str], colors: Any, *columns: list[str]
) -> Iterator[str]:
    names = list(names)
    table = text_table(None, list(zip(names, *columns, strict=True)))
    colors = colors or [None] * len(names)
    for line, color in zip(table.splitlines(), colors, strict=True):
        yield f"  {swatch(color and tuple(color))}{line}".rstrip()
