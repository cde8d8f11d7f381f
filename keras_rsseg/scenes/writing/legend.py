"""Names and colours of a map's classes."""

import colorsys

from keras_rsseg.void import VOID

_GOLDEN_RATIO = 0.618034


class Legend:
    """Names and colours of classes, in the order of their ids.

    What is not given is made up when the number of classes is known: names
    `class_0`, `class_1` ..., colours spread over the hues.

    Args:
        names: list of class names, or `None`.
        palette: list of `(r, g, b)`, 0 to 255, a `keras_rsseg.data.Palette`,
            or `None`.
        num_classes: number of classes, or `None` for not known yet.

    Raises:
        ValueError: if the numbers disagree, a name occurs twice, or a
            colour is none.
    """

    def __init__(self, names=None, palette=None, num_classes=None):
        colors = getattr(palette, "colors", palette)
        self.names = None if names is None else [str(name) for name in names]
        self.colors = None if colors is None else list(map(_as_color, colors))
        if self.names and len(set(self.names)) != len(self.names):
            raise ValueError(
                "`class_names` must not name a class twice. Received: "
                f"{self.names}"
            )
        known = {
            "`class_names`": self.names and len(self.names),
            "`palette`": self.colors and len(self.colors),
            "the model": num_classes,
        }
        known = {key: count for key, count in known.items() if count}
        if len(set(known.values())) > 1:
            raise ValueError(
                "`class_names`, `palette` and the model must agree on the "
                "number of classes. Received: "
                + ", ".join(f"{key} {count}" for key, count in known.items())
            )
        self.num_classes = next(iter(known.values()), None)

    def complete(self, num_classes):
        """Make up what is missing.

        Args:
            num_classes: number of classes that the model returned.

        Raises:
            ValueError: if it is not the number given before.
        """
        if self.num_classes not in (None, num_classes):
            raise ValueError(
                f"`model` returned {num_classes} classes, but its class "
                f"names or palette tell of {self.num_classes}"
            )
        self.num_classes = num_classes
        if self.names is None:
            self.names = [f"class_{i}" for i in range(num_classes)]
        if self.colors is None:
            self.colors = [_made_up_color(i) for i in range(num_classes)]

    def colormap(self):
        """Return `{id: (r, g, b, a)}`, void transparent."""
        colors = {i: (*rgb, 255) for i, rgb in enumerate(self.colors or [])}
        return {**colors, VOID: (0, 0, 0, 0)}


def _as_color(color):
    rgb = tuple(int(value) for value in color)
    if len(rgb) != 3 or not all(0 <= value <= 255 for value in rgb):
        raise ValueError(
            "`palette` must hold colours (r, g, b) of ints from 0 to 255. "
            f"Received: {color!r}"
        )
    return rgb


def _made_up_color(index):
    hue = index * _GOLDEN_RATIO % 1
    rgb = colorsys.hsv_to_rgb(hue, 0.65, 0.9 - 0.25 * (index % 2))
    return tuple(round(255 * value) for value in rgb)
