"""Write a map of classes row by row, whole or not at all."""

import contextlib
import os
import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError

from keras_rsseg.scenes.scene_paths import partial_path
from keras_rsseg.void import VOID

_BLOCK = 256
# What may lie beside a map that is replaced, and would not fit the new one.
_SIDECARS = (".aux.xml", ".msk", ".ovr")


class ClassWriter:
    """A GeoTIFF of class ids that appears under its name when complete.

    uint8, nodata 255, tiled, deflate, with the scene's reference system and
    transform, colour table and class names. It is written under a temporary
    name in the destination's folder; leaving the context after an error
    removes that, leaving it without one renames it.

    Args:
        destination: `pathlib.Path` of the map, checked.
        dataset: the scene, an open rasterio dataset, whose grid is taken.
        legend: a `Legend`; it must be complete when rows are written.
        tags: dict of provenance tags.
        overwrite: whether an existing file may be replaced.

    Example:

    ```python
    with ClassWriter(path, dataset, legend) as writer:
        for rows in class_rows:
            writer.write(rows)
    ```
    """

    def __init__(
        self, destination, dataset, legend, tags=None, overwrite=False
    ):
        self.destination = destination
        self.legend = legend
        self.counts = np.zeros(256, "int64")
        self._grid = _grid_of(dataset)
        self._tags = tags or {}
        self._overwrite = overwrite
        self._rows = np.empty((0, dataset.width), "uint8")
        self._top = 0
        self._partial = None
        self._output = None

    def __enter__(self):
        self._partial = partial_path(self.destination)
        return self

    def __exit__(self, kind, error, trace):
        complete = False
        try:
            if kind is None:
                self._finish()
                complete = True
        finally:
            if self._output is not None:
                self._output.close()
            if not complete:
                self._remove_partial()
        if complete:
            self._publish()

    def write(self, rows):
        """Append rows.

        Args:
            rows: uint8 array `(n, width)`, void 255.
        """
        self.counts += np.bincount(rows.ravel(), minlength=256)
        self._rows = np.concatenate([self._rows, rows])
        # Whole blocks only: one written twice is stored twice.
        whole = len(self._rows) // _BLOCK * _BLOCK
        if whole:
            self._write(self._rows[:whole])
            self._rows = self._rows[whole:].copy()

    def _write(self, rows):
        if self._output is None:
            self._output = self._open()
        window = ((self._top, self._top + len(rows)), (0, rows.shape[1]))
        self._output.write(rows, 1, window=window)
        self._top += len(rows)

    def _finish(self):
        if len(self._rows):
            self._write(self._rows)
        height = self._grid["height"]
        if self._top != height:
            raise RuntimeError(
                f"{self._top} of {height} rows of the map were written"
            )
        self._output.close()
        self._verify()

    def _verify(self):
        """Read the file back: GDAL may not tell what fails while closing."""
        counts = np.zeros_like(self.counts)
        try:
            with _without_warnings(), rasterio.open(self._partial) as dataset:
                for top in range(0, self._top, _BLOCK):
                    rows = (top, min(top + _BLOCK, self._top))
                    columns = (0, dataset.width)
                    part = dataset.read(1, window=(rows, columns))
                    counts += np.bincount(part.ravel(), minlength=256)
        except RasterioError:
            counts[:] = -1
        if (counts != self.counts).any():
            raise OSError(
                f"`destination` {self.destination} could not be written "
                "completely. Is the disk full?"
            )

    def _open(self):
        with _without_warnings():
            output = rasterio.open(
                self._partial,
                "w",
                driver="GTiff",
                dtype="uint8",
                count=1,
                nodata=VOID,
                photometric="palette",
                tiled=True,
                blockxsize=_BLOCK,
                blockysize=_BLOCK,
                compress="deflate",
                bigtiff="if_safer",
                **self._grid,
            )
        output.write_colormap(1, self.legend.colormap())
        output.set_band_description(1, "class")
        names = self.legend.names or []
        output.update_tags(**self._tags)
        output.update_tags(
            1, **{f"class_{i}": name for i, name in enumerate(names)}
        )
        return output

    def _remove_partial(self):
        for suffix in ("", *_SIDECARS):
            path = self._partial.with_name(self._partial.name + suffix)
            path.unlink(missing_ok=True)

    def _publish(self):
        if self.destination.exists() and not self._overwrite:
            raise FileExistsError(
                f"`destination` {self.destination} was made by something "
                f"else meanwhile. The finished map is {self._partial}"
            )
        for suffix in _SIDECARS:
            path = self.destination.with_name(self.destination.name + suffix)
            path.unlink(missing_ok=True)
        os.replace(self._partial, self.destination)


@contextlib.contextmanager
def _without_warnings():
    """A map of a scene without a reference system has none either."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _grid_of(dataset):
    grid = {"height": dataset.height, "width": dataset.width}
    if dataset.crs is not None:
        grid["crs"] = dataset.crs
    points, points_crs = dataset.gcps
    if points:
        return {**grid, "gcps": points, "crs": points_crs}
    if not dataset.transform.is_identity:
        grid["transform"] = dataset.transform
    return grid
