"""From the ids in mask files to a network's class ids."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

# From a mask value, or a polygon's attribute, to a class id or 255.
IdMapping = Mapping[Any, int]


def as_id_mapping(ids: IdMapping | None) -> dict[Any, int]:
    """Return an `ids` argument as a dict, checked.

    Args:
        ids: dict from stored values to class ids, 255 for void, or `None`.

    Raises:
        ArgumentError: if it is anything else.
    """
    if ids is None:
        return {}
    if not isinstance(ids, Mapping) or not all(
        is_integer(value) and 0 <= value <= VOID for value in ids.values()
    ):
        raise ArgumentError(
            "`ids` must be a dict from mask values to class ids, 0 to "
            f"{VOID - 1} and {VOID} for void, such as {{0: 0, 255: 1}}. "
            f"Received: {ids!r}"
        )
    return {key: int(value) for key, value in ids.items()}


def ids_of_classes(
    ids: IdMapping | None,
    class_attribute: str | None,
    class_names: Sequence[str] | None,
) -> IdMapping | None:
    """Return the ids of polygons whose attribute holds class names.

    Args:
        ids: an `ids` argument; its entries are kept.
        class_attribute: name of the attribute, or `None`.
        class_names: names of the classes, or `None` where they have none.

    Example:

    ```python
    from keras_rsseg.data.id_mapping import ids_of_classes

    ids_of_classes(None, "kind", ["road", "roof"])  # {"road": 0, "roof": 1}
    ```
    """
    if ids is not None or class_attribute is None or class_names is None:
        return ids
    return {name: index for index, name in enumerate(class_names)}


def map_ids(values: np.ndarray, ids: Mapping[Any, int]) -> np.ndarray:
    """Return the class ids of stored ids; ids not named stay.

    Args:
        values: integer array of any shape.
        ids: what `as_id_mapping` returned.

    Returns:
        `values` itself, or an array of its shape with at least as many bits.
    """
    if not ids:
        return values
    if values.dtype == np.uint8:
        table = np.arange(VOID + 1, dtype="uint8")
        for key, value in ids.items():
            if is_integer(key) and 0 <= key <= VOID:
                table[int(key)] = value
        return table[values]
    found, places = np.unique(values, return_inverse=True)
    mapped = np.array([ids.get(value, value) for value in found.tolist()])
    return mapped[places].reshape(values.shape)
