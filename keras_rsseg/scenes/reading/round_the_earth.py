"""Longitudes beyond 180 degrees, as in scenes and areas across the meridian."""

from typing import Any
from typing import NamedTuple

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

# Projections whose x is linear in longitude, by PROJ's names.
_CYLINDERS = ("merc", "webmerc", "eqc", "cea", "mill", "gall", "comill")
# Degrees: sides that jump further are meant the other way round.
_LONG_WAY = 270


class EarthTurn(NamedTuple):
    """How x of a reference system continues around the earth.

    Attributes:
        crs: the reference system, or `None`.
        length: distance once around, in its units; `None` if x is not
            linear in longitude.
        middle: `(longitude, x)` of the central meridian, longitude in
            degrees.
    """

    crs: CRS | None
    length: float | None = None
    middle: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, crs: CRS | None) -> "EarthTurn":
        """Return how x continues in a reference system."""
        if crs is None:
            return cls(crs)
        if crs.is_geographic:
            return cls(crs, 2 * np.pi / crs.units_factor[1])
        try:
            facts: dict[str, Any] = crs.to_dict()
            if facts.get("proj") not in _CYLINDERS:
                return cls(crs)
            center = float(facts.get("lon_0", 0))
            places = [center - 90, center, center + 90]
            places = [(place + 180) % 360 - 180 for place in places]
            x, _ = transform("EPSG:4326", crs, places, [0, 0, 0])
        except (CPLE_BaseError, RasterioError, TypeError, ValueError):
            return cls(crs)
        return cls(crs, 2 * (x[2] - x[0]), (center, x[1]))

    def transform(
        self, crs: CRS | None, points: np.ndarray, near: float = 0.0
    ) -> np.ndarray:
        """Transform points of another reference system to this one.

        Degrees beyond 180 stay beyond it, whereas PROJ would wrap them.

        Args:
            crs: reference system of the points.
            points: float array `(N, 2)`.
            near: x in this system, less than half way around the earth from
                points of a system in which x is not linear in longitude.

        Returns:
            A float array `(2, N)`: x, y.
        """
        x, y = points.T
        if crs is None or self.crs is None or crs == self.crs:
            return np.array([x, y])
        if self.length is None:
            return np.array(transform(crs, self.crs, x, y))
        theirs = EarthTurn.of(crs)
        if theirs.length is None:
            moved, y = np.array(transform(crs, self.crs, x, y))
            expected = np.full_like(moved, near)
        else:
            (center, middle), length = theirs.middle, theirs.length
            lon = center + (x - middle) / length * 360
            within = x - np.round((x - middle) / length) * length
            moved, y = np.array(transform(crs, self.crs, within, y))
            # Approximately where it should be by its longitude.
            center, middle = self.middle
            expected = middle + (lon - center) / 360 * self.length
        turns = np.round((expected - moved) / self.length)
        return np.array([moved + turns * self.length, y])


def across_the_antimeridian(ring: np.ndarray, length: float) -> np.ndarray:
    """Return a ring whose sides go the short way around the earth.

    Args:
        ring: longitudes and latitudes `(N, 2)`, the last corner not repeated.
        length: distance once around, in their units.

    Returns:
        The ring itself, unless sides go from near 180 to near -180 degrees.
        It is also unchanged if sides go all around, as in a box of the
        world, or if the ring goes around a pole.
    """
    lon = ring[:, 0]
    sides = abs(np.diff(lon, append=lon[:1])) / length * 360
    if not (sides > _LONG_WAY).any() or (sides > 360 - 1e-6).any():
        return ring
    unwrapped = np.unwrap(lon, discont=length * _LONG_WAY / 360, period=length)
    if abs(unwrapped[0] - unwrapped[-1]) > length / 2:
        return ring
    return np.stack([unwrapped, ring[:, 1]], axis=1)
