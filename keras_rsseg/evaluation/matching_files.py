"""Images of one folder and masks of another, matched by their names."""

import pathlib

_SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".vrt")
_SHOWN = 8


def matching_files(images, masks):
    """Pair images with masks of the same name, whatever their suffixes.

    Args:
        images: path of a folder or of an image.
        masks: path of a folder or of a mask; a folder where `images` is one.

    Returns:
        Two lists of paths of one length, ordered by name. Files that are no
        images by their suffix, and hidden ones, are passed over.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: if an image has no mask, a mask no image, two files of a
            folder one name, or a folder holds no image.

    Example:

    ```python
    images, masks = matching_files("val/images", "val/masks")
    report = keras_rsseg.evaluate(model, (images, masks))
    ```
    """
    images, masks = pathlib.Path(images), pathlib.Path(masks)
    for path in (images, masks):
        if not path.exists():
            raise FileNotFoundError(f"There is no file or folder {path}")
    if images.is_dir() != masks.is_dir():
        raise ValueError(
            "`images` and `masks` must be two folders or two files. Received: "
            f"{images} and {masks}"
        )
    if not images.is_dir():
        return [images], [masks]
    found = _by_stem(images), _by_stem(masks)
    for one, other, missing, folder in (
        (*found, "masks", masks),
        (*found[::-1], "images", images),
    ):
        alone = sorted(set(one) - set(other))
        if alone:
            raise ValueError(
                f"{len(alone)} of {len(one)} files have no partner in "
                f"{folder}. Missing {missing}: {_listed(alone)} (any suffix "
                f"of {', '.join(_SUFFIXES)}). There are: "
                f"{_listed(sorted(other))}"
            )
    stems = sorted(found[0])
    return tuple([files[stem] for stem in stems] for files in found)


def _by_stem(folder):
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in _SUFFIXES:
            continue
        if path.stem in files:
            raise ValueError(
                f"Two files of {folder} have one name, so their partners "
                f"cannot be told: {files[path.stem].name}, {path.name}"
            )
        files[path.stem] = path
    if not files:
        raise ValueError(
            f"The folder {folder} holds no images ({', '.join(_SUFFIXES)})"
        )
    return files


def _listed(names):
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
