"""Images and masks of two folders, paired by their names."""

import os
import pathlib

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError

_SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".vrt")
_SHOWN = 8


def matching_files(
    images: str | os.PathLike[str], masks: str | os.PathLike[str]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Pair images with masks of the same name, whatever their suffixes.

    Args:
        images: path of a folder or of an image.
        masks: path of a folder or of a mask; a folder where `images` is one.

    Returns:
        Two lists of paths of one length, ordered by name. Files that are no
        images by their suffix, and hidden ones, are passed over.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        MaskError: if an image has no mask, a mask no image, or two files of
            a folder one name.
        ArgumentError: if a folder holds no image, or one argument is a
            folder and the other a file.

    Example:

    ```python
    import pathlib

    for file in ("images/harbour.tif", "masks/harbour.png"):
        path = pathlib.Path("val", file)
        path.parent.mkdir(parents=True)
        path.touch()
    images, masks = keras_rsseg.evaluation.matching_files(
        "val/images", "val/masks"
    )
    masks[0].name  # "harbour.png"
    ```
    """
    images, masks = pathlib.Path(images), pathlib.Path(masks)
    for path in (images, masks):
        if not path.exists():
            raise FileNotFoundError(f"There is no file or folder {path}")
    if images.is_dir() != masks.is_dir():
        raise ArgumentError(
            "`images` and `masks` must be two folders or two files. Received: "
            f"{images} and {masks}"
        )
    if not images.is_dir():
        return [images], [masks]
    image_files, mask_files = _by_stem(images), _by_stem(masks)
    for one, other, missing, folder in (
        (image_files, mask_files, "masks", masks),
        (mask_files, image_files, "images", images),
    ):
        alone = sorted(set(one) - set(other))
        if alone:
            raise MaskError(
                f"{len(alone)} of {len(one)} files have no partner in "
                f"{folder}. Missing {missing}: {_listed(alone)} (any suffix "
                f"of {', '.join(_SUFFIXES)}). There are: "
                f"{_listed(sorted(other))}"
            )
    stems = sorted(image_files)
    return (
        [image_files[stem] for stem in stems],
        [mask_files[stem] for stem in stems],
    )


def _by_stem(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in _SUFFIXES:
            continue
        if path.stem in files:
            raise MaskError(
                f"Two files of {folder} have one name, so their partners "
                f"cannot be told: {files[path.stem].name}, {path.name}"
            )
        files[path.stem] = path
    if not files:
        raise ArgumentError(
            f"The folder {folder} holds no images ({', '.join(_SUFFIXES)})"
        )
    return files


def _listed(names):
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
