from keras_rsseg.models.segmenter import Segmenter


def from_preset(preset, load_weights=True, **kwargs):
    """Build the task that a preset holds, whichever it is.

    Args:
        preset: string. A name of `keras_rsseg.list_presets()`, a folder, or a
            handle `"hf://org/name"`.
        load_weights: bool. If `False`, weights are random.
        **kwargs: replace what the preset says, see
            `keras_rsseg.models.Segmenter.from_preset`.

    Returns:
        A `keras_rsseg.models.Segmenter`.

    Raises:
        ValueError: the preset is unknown or damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    ```
    """
    return Segmenter.from_preset(preset, load_weights, **kwargs)
