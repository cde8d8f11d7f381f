"""The augmentations of the papers and released scripts, by name."""

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.protocols import PROTOCOLS

# The released scripts' blur, on every training image.
_BLUR = (0.15, 1.30)

_RECIPES = {
    "isaid": dict(flip=True, rotate90=True, blur=_BLUR),
    "isprs": dict(
        flip="horizontal",
        rotate90=True,
        scale=(0.5, 2.0),
        scale_distribution="uniform",
        blur=_BLUR,
    ),
    "ifwm": dict(flip=False, rotate90=False, rotate=PROTOCOLS["ifwm"].rotation),
}


def paper_augmentation(name, **changes):
    """Return the `Augmentation` that a paper trained with.

    - `"isaid"`, PFNet's released script: flips both ways, multiples of 90
      degrees, and a Gaussian blur of standard deviation 0.15 to 1.30 on
      every tile.
    - `"isprs"`, PFNet's for Vaihingen and Potsdam: mirrored left-right
      alone, multiples of 90 degrees, magnified by 0.5 to 2 (uniform) with a
      crop, and the same blur.
    - `"ifwm"`: a random rotation, of any angle, as its range is not stated.

    PFNet's paper names flips and rotations only. The released scripts scale
    a tile by itself; `tile_dataset` and `tile_records` take what lies
    around it from its scene, and leave void only beyond that. They resize
    bicubically, and cut the blurred values off where these are rounded.

    Args:
        name: one of the above.
        **changes: arguments of `Augmentation` that differ from the recipe,
            such as `blur=0`, `brightness=0.2` or `seed=1`.

    Returns:
        An `Augmentation`.

    Raises:
        ValueError: if there is no recipe of that name.

    Example:

    ```python
    augmentation = paper_augmentation("isprs", seed=1)
    ```
    """
    if name not in _RECIPES:
        raise ValueError(
            f"`name` must be one of {sorted(_RECIPES)}. Received: {name!r}"
        )
    return Augmentation(**{**_RECIPES[name], **changes})
