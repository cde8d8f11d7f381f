"""Classes, colours and bands of the papers' data sets, as keywords.

At the root of the package, as both the presets' facts and the data sets above
them name these.
"""

from typing import Any

Legend = dict[str, Any]

ISAID: Legend = {
    "class_names": (
        "background",
        "ship",
        "storage_tank",
        "baseball_diamond",
        "tennis_court",
        "basketball_court",
        "ground_track_field",
        "bridge",
        "large_vehicle",
        "small_vehicle",
        "helicopter",
        "swimming_pool",
        "roundabout",
        "soccer_ball_field",
        "plane",
        "harbor",
    ),
    "palette": (
        (0, 0, 0),
        (0, 0, 63),
        (0, 63, 63),
        (0, 63, 0),
        (0, 63, 127),
        (0, 63, 191),
        (0, 63, 255),
        (0, 127, 63),
        (0, 127, 127),
        (0, 0, 127),
        (0, 0, 191),
        (0, 0, 255),
        (0, 191, 127),
        (0, 127, 191),
        (0, 127, 255),
        (0, 100, 155),
    ),
    "bands": ("red", "green", "blue"),
    "ground_sample_distance": None,
}
_ISPRS: Legend = {
    "class_names": (
        "impervious_surface",
        "building",
        "low_vegetation",
        "tree",
        "car",
        "clutter",
    ),
    "palette": (
        (255, 255, 255),
        (0, 0, 255),
        (0, 255, 255),
        (0, 255, 0),
        (255, 255, 0),
        (255, 0, 0),
    ),
}
VAIHINGEN: Legend = {
    **_ISPRS,
    "bands": ("nir", "red", "green"),
    "ground_sample_distance": 0.09,
}
POTSDAM: Legend = {
    **_ISPRS,
    "bands": ("red", "green", "blue"),
    "ground_sample_distance": 0.05,
}
LOVEDA: Legend = {
    "class_names": (
        "background",
        "building",
        "road",
        "water",
        "barren",
        "forest",
        "agriculture",
    ),
    "palette": (
        (255, 255, 255),
        (255, 0, 0),
        (255, 255, 0),
        (0, 0, 255),
        (159, 129, 183),
        (0, 255, 0),
        (255, 195, 128),
    ),
    "bands": ("red", "green", "blue"),
    "ground_sample_distance": 0.3,
}
WHU_BUILDING: Legend = {
    "class_names": ("background", "building"),
    "palette": ((0, 0, 0), (255, 255, 255)),
    "bands": ("red", "green", "blue"),
    "ground_sample_distance": 0.3,
}
DUBAI: Legend = {
    "class_names": ("building", "land", "road", "vegetation", "water"),
    # The colours of the masks; the data set's own classes.json lists others.
    "palette": (
        (60, 16, 152),
        (132, 41, 246),
        (110, 193, 228),
        (254, 221, 58),
        (226, 169, 41),
    ),
    # As people expect them on a map.
    "display_palette": (
        (205, 92, 62),
        (226, 207, 166),
        (112, 112, 112),
        (88, 150, 72),
        (62, 124, 186),
    ),
    "bands": ("red", "green", "blue"),
    # Not stated anywhere; measured on villas and roads.
    "ground_sample_distance": 0.8,
}
# By the names that the presets' facts give them.
LEGENDS: dict[str, dict[str, Any]] = {
    "isaid": ISAID,
    "vaihingen": VAIHINGEN,
    "potsdam": POTSDAM,
    "loveda": LOVEDA,
    "whu_building": WHU_BUILDING,
    "dubai": DUBAI,
}


def colors_of(model: Any) -> Any:
    """Return the colours of a model's classes on maps and pictures.

    Args:
        model: object that may have a `display_palette` or a `palette`.

    Returns:
        As the model has it, or `None`.
    """
    display = getattr(model, "display_palette", None)
    return getattr(model, "palette", None) if display is None else display
