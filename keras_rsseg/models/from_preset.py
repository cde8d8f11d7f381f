from keras_rsseg.models.segmenter import Segmenter


def from_preset(
    preset, load_weights=True, *, revision=None, bands=None, **kwargs
):
    """Build the task that a preset holds, whichever it is.

    Args:
        preset: string. A name of `keras_rsseg.list_presets()`, a folder, or a
            handle `"hf://org/name"`, which may end in `@revision`.
        load_weights: bool. If `False`, weights are random.
        revision: string, a branch, tag or commit of a handle.
        bands: names of the bands of the tiles to come; defaults to the
            preset's.
        **kwargs: replace what the preset says, see
            `keras_rsseg.models.Segmenter.from_preset`.

    Returns:
        A `keras_rsseg.models.Segmenter`.

    Raises:
        ValueError: the preset is unknown, cannot be had, or is damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)

    # The same weights for a fourth band.
    model = keras_rsseg.from_preset(
        keras_rsseg.DEFAULT_PRESET, bands=("red", "green", "blue", "nir")
    )
    ```
    """
    return Segmenter.from_preset(
        preset, load_weights, revision=revision, bands=bands, **kwargs
    )
