"""Whether a raster's compression may have changed its values."""

from typing import Any

from keras_rsseg.checks import as_number


def is_lossy(dataset: Any) -> bool:
    """Return whether a raster's compression may have changed its values.

    JPEG, on its own or in a TIFF, lossy JPEG 2000, WebP and JPEG XL, and LERC
    with a tolerance: fine for photographs, not for class ids.

    Args:
        dataset: an open rasterio dataset.

    Example:

    ```python
    from keras_rsseg.rasters.lossy import is_lossy
    from keras_rsseg.rasters.opener import open_raster

    keras.utils.save_img("mask.jpg", np.zeros((8, 8, 3)), scale=False)
    with open_raster("mask.jpg") as dataset:
        lossy = is_lossy(dataset)
    lossy  # True
    ```
    """
    if dataset.driver == "JPEG":
        return True
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    if structure.get("COMPRESSION_REVERSIBILITY") == "LOSSY":
        return True
    compression = structure.get("COMPRESSION", "").upper()
    # "JPEG" and "YCbCr JPEG", but neither "JPEG2000" nor "JPEG XL".
    if compression.endswith("JPEG"):
        return True
    return as_number(structure.get("MAX_Z_ERROR", 0)) > 0
