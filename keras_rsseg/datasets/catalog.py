"""All data sets by name: the one table of them."""

from keras_rsseg.checks import check_choice
from keras_rsseg.datasets import dubai
from keras_rsseg.datasets import general_datasets
from keras_rsseg.datasets import isaid
from keras_rsseg.datasets import loveda
from keras_rsseg.datasets import ohio_naip
from keras_rsseg.datasets import potsdam
from keras_rsseg.datasets import vaihingen
from keras_rsseg.datasets import whu_building
from keras_rsseg.datasets.dataset_facts import DatasetFacts

# The data sets that get a builder, under the name in their facts.
LAYOUTS = (
    dubai.LAYOUT,
    isaid.LAYOUT,
    loveda.LAYOUT,
    ohio_naip.LAYOUT,
    potsdam.LAYOUT,
    vaihingen.LAYOUT,
    whu_building.LAYOUT,
)
_FACTS = {
    facts.name: facts
    for facts in (
        *(layout.facts for layout in LAYOUTS),
        *general_datasets.FACTS,
    )
}


def facts(name: str) -> DatasetFacts:
    """Return the classes, colours, bands and source of a data set.

    Args:
        name: "isaid", "vaihingen", "potsdam", "whu_building", "dubai",
            "loveda" or "ohio_naip", as in `tfds.load(name)`; or a name that
            `as_records` takes.

    Returns:
        `DatasetFacts`.

    Raises:
        ArgumentError: if there is no such data set.

    Example:

    ```python
    vaihingen = keras_rsseg.datasets.facts("vaihingen")
    vaihingen.class_names[4]  # "car"
    vaihingen.bands  # ("nir", "red", "green")
    ```
    """
    check_choice("name", name, sorted(_FACTS))
    return _FACTS[name]
