"""A scene and the files to make from it."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.options import fields
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.attribute_table import TABLE

# Options that are paths of rasters beside the map.
RASTERS = tuple(
    field.name for field in fields(SceneOptions) if field.option.beside_map
)


@dataclasses.dataclass(frozen=True)
class SceneJob:
    """A scene and the files to make from it.

    Attributes:
        source: path or URL of the scene.
        destination: path of the map.
        options: dict of arguments of `predict_scene` for this scene only.
        polygons: path of a GeoPackage or GeoJSON of its polygons, or `None`.
        preview: path of a PNG of the map, or `None`.
        style: whether to write a QGIS style beside the map.
        attribute_table: whether to write an attribute table for ArcGIS
            beside the map.

    Example:

    ```python
    import pathlib

    job = keras_rsseg.scenes.SceneJob(
        "scene.tif", pathlib.Path("maps/scene.tif"), {"nodata": 0}, style=True
    )
    [path.name for path in job.outputs()]  # ['scene.tif', 'scene.qml']
    ```
    """

    source: str
    destination: pathlib.Path
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    polygons: pathlib.Path | None = None
    preview: pathlib.Path | None = None
    style: bool = False
    attribute_table: bool = False

    def rasters(self) -> list[pathlib.Path]:
        """Return the paths of the rasters to write, the map first."""
        others = map(self.options.get, RASTERS)
        paths = [self.destination, *filter(None, others)]
        return [pathlib.Path(path) for path in paths]

    def outputs(self) -> list[pathlib.Path]:
        """Return the paths of all files to write, the map first."""
        others = [self.polygons, self.preview]
        if self.style:
            others.append(self.destination.with_suffix(".qml"))
        if self.attribute_table:
            name = self.destination.name + TABLE
            others.append(self.destination.with_name(name))
        return [*self.rasters(), *filter(None, others)]

    def absolute(self) -> "SceneJob":
        """Return the job with absolute paths."""
        options = {
            name: absolute(value) if name in (*RASTERS, "area") else value
            for name, value in self.options.items()
        }
        return SceneJob(
            absolute_source(self.source),
            absolute(self.destination),
            options,
            absolute(self.polygons),
            absolute(self.preview),
            self.style,
            self.attribute_table,
        )

    def with_endings(
        self,
        style: bool = False,
        attribute_table: bool = False,
        **endings: str | None,
    ) -> "SceneJob":
        """Return the job with more files beside its map.

        Args:
            style: whether to write a QGIS style.
            attribute_table: whether to write an attribute table.
            **endings: name endings of `probabilities`, `uncertainty`,
                `polygons` and `preview`, in place of the map's .tif.

        Example:

        ```python
        import pathlib

        job = keras_rsseg.scenes.SceneJob("a.jp2", pathlib.Path("maps/a.tif"))
        str(job.with_endings(polygons=".gpkg").polygons)  # 'maps/a.gpkg'
        ```
        """
        stem = self.destination.with_suffix("")
        paths: dict[str, Any] = {
            name: stem.with_name(stem.name + ending)
            for name, ending in endings.items()
            if ending is not None
        }
        rasters = {name: paths.pop(name) for name in RASTERS if name in paths}
        options = {**self.options, **rasters}
        return dataclasses.replace(
            self,
            options=options,
            style=style,
            attribute_table=attribute_table,
            **paths,
        )


def absolute(path: Any) -> Any:
    """Return an absolute path; a URL or a geometry is returned unchanged.

    Args:
        path: `pathlib.Path`, str that names a file, or anything else.
    """
    if isinstance(path, pathlib.Path):
        return path.absolute()
    # QGIS appends a layer's name to the file's.
    if isinstance(path, str) and os.path.exists(path.partition("|")[0]):
        return os.path.abspath(path)
    return path


def check_outputs(jobs: Iterable[SceneJob]) -> None:
    """Raise an ArgumentError if jobs would write the same file.

    Args:
        jobs: list of `SceneJob`s; anything else in it is an error.
    """
    owners: dict[str, SceneJob] = {}
    for job in jobs:
        if not isinstance(job, SceneJob):
            raise ArgumentTypeError(
                "`jobs` must hold `SceneJob`s, such as "
                "`keras_rsseg.scenes.list_scenes([source, ...], folder)` "
                f"returns. Received: {job!r}"
            )
        for path in job.outputs():
            other = owners.setdefault(os.path.abspath(path), job)
            if other is not job or job.outputs().count(path) > 1:
                raise ArgumentError(
                    f"{path} would be written twice, for {other.source} and "
                    f"for {job.source}. Give the path of each map in a "
                    f"manifest, or choose other scenes{_by_ending(other, job)}"
                )


def _by_ending(one: SceneJob, other: SceneJob) -> str:
    """A pattern that leaves out one of two scenes, if there is one."""
    folder, name = os.path.split(one.source)
    suffix = os.path.splitext(name)[1]
    if not suffix or suffix == os.path.splitext(other.source)[1]:
        return ""
    return f', such as "{os.path.join(folder, "*" + suffix)}"'
