"""The grid of a map: size, reference system, place on the ground."""

import dataclasses

from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine


@dataclasses.dataclass(frozen=True)
class MapGrid:
    """Size and georeference of a raster, apart from its file.

    Ground control points take the place of the transform where the raster
    has them. Rational polynomial coefficients are left out.

    Attributes:
        height: number of rows.
        width: number of columns.
        crs: `rasterio.crs.CRS` (of the control points, where there are
            any) or `None`.
        transform: `Affine`, or `None` where the raster has none.
        gcps: tuple of `rasterio.control.GroundControlPoint`.

    Example:

    ```python
    with open_scene("scene.tif") as dataset:
        grid = MapGrid.of(dataset)
    ```
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine | None = None
    gcps: tuple[GroundControlPoint, ...] = ()

    @classmethod
    def of(cls, dataset):
        """Return the grid of an open rasterio dataset."""
        size = dataset.height, dataset.width
        points, points_crs = dataset.gcps
        if points:
            return cls(*size, points_crs, gcps=tuple(points))
        plain = dataset.transform.is_identity
        return cls(*size, dataset.crs, None if plain else dataset.transform)

    def to_dict(self):
        """Return what JSON can hold; equal grids give equal dicts."""
        return {
            "height": self.height,
            "width": self.width,
            "crs": self.crs.to_wkt() if self.crs else None,
            "transform": self.transform and list(self.transform)[:6],
            "gcps": [
                [point.row, point.col, point.x, point.y, point.z]
                for point in self.gcps
            ],
        }
