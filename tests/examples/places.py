"""Small data in place of the two land-cover places, and of Kampala."""

import numpy as np
from rasterio import Affine

from tests.data.files import write_raster

# Side of Ohio's tiles in pixels, and metres per pixel.
TILE = 48
DISTANCE = 0.6
# For the mosaic of Kampala.
FINE = 0.1
# Rows and columns of its one building.
BUILDING = slice(48, 128), slice(40, 160)
VOID = 255


def brightness(ids, rng):
    """Return a noisy image whose brightness tells the classes."""
    image = 50 * np.where(ids == VOID, 0, ids)[..., None] + 5
    noise = rng.integers(-4, 5, (*ids.shape, 3))
    return (image + noise).astype("uint8")


def make_ohio(root):
    """Write two adjoining tiles and a third to train, and one to validate."""
    rng = np.random.default_rng(1)
    places = {"train": [(0, 0), (0, 1), (9, 9)], "validate": [(20, 20)]}
    for part, tiles in places.items():
        folder = root / "ohio_naip" / part
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True)
        for row, col in tiles:
            ids = rng.permutation(np.arange(36) % 5).reshape(6, 6)
            ids = ids.repeat(8, 0).repeat(8, 1)
            image = brightness(ids, rng)
            # In every crop of 32 pixels.
            ids[22:26] = VOID
            corner = Affine.translation(
                5e5 + col * TILE * DISTANCE, 4e6 - row * TILE * DISTANCE
            )
            write_raster(
                folder / "images" / f"{row:02d}{col:02d}.tif",
                image,
                crs="EPSG:26917",
                transform=corner @ Affine.scale(DISTANCE, -DISTANCE),
            )
            write_raster(
                folder / "masks" / f"{row:02d}{col:02d}.png",
                ids.astype("uint8"),
            )


def make_kampala(root):
    """Write a mosaic of land with one building, and its position."""
    rng = np.random.default_rng(2)
    folder = root / "kampala"
    folder.mkdir()
    truth = np.zeros((176, 208), "uint8")
    truth[BUILDING] = 1
    ground = {
        "crs": "EPSG:32636",
        "transform": Affine(FINE, 0, 5e5, 0, -FINE, 4e4),
    }
    write_raster(folder / "kampala_z21_buildings.tif", truth, **ground)
    write_raster(
        folder / "kampala_z21_rgb.tif", brightness(1 - truth, rng), **ground
    )
