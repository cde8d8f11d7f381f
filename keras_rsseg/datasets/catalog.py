"""All data sets by name."""

from keras_rsseg.datasets import dubai
from keras_rsseg.datasets import general_datasets
from keras_rsseg.datasets import isaid
from keras_rsseg.datasets import loveda
from keras_rsseg.datasets import potsdam
from keras_rsseg.datasets import vaihingen
from keras_rsseg.datasets import whu_building
from keras_rsseg.errors import ArgumentError

_FACTS = {
    facts.name: facts
    for facts in (
        dubai.FACTS,
        isaid.FACTS,
        loveda.FACTS,
        potsdam.FACTS,
        vaihingen.FACTS,
        whu_building.FACTS,
        *general_datasets.FACTS,
    )
}


def facts(name):
    """Return the classes, colours, bands and source of a data set.

    Args:
        name: "isaid", "vaihingen", "potsdam", "whu_building", "dubai" or
            "loveda", as in `tfds.load(name)`; or a name that `as_records`
            takes.

    Returns:
        `DatasetFacts`.

    Raises:
        ValueError: if there is no such data set.

    Example:

    ```python
    vaihingen = keras_rsseg.datasets.facts("vaihingen")
    vaihingen.class_names[4], vaihingen.bands
    # ("car", ("nir", "red", "green"))
    ```
    """
    if name not in _FACTS:
        raise ArgumentError(
            f"`name` must be one of {sorted(_FACTS)}. Received: {name!r}"
        )
    return _FACTS[name]
