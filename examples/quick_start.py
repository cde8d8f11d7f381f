"""From an image and a few polygons to a preset and a map, in a few minutes.

The sample scene shows a Dutch harbour, with 21 polygons drawn on it by eye.
The default preset is fine-tuned on some blocks of it, scored on the others,
and maps the scene.

    python -m examples.quick_start

`--limit 2` tries it out. Copy it and put in your own files: a folder of
images and one of masks also work.
"""

import argparse
import pathlib
from collections.abc import Sequence

import keras_rsseg

DATA = pathlib.Path(__file__).parent / "data"


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, train, map."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", default="harbour_preset")
    parser.add_argument("--limit", type=int, help="batches per epoch")
    args = parser.parse_args(arguments)

    image, polygons = DATA / "harbour.tif", DATA / "harbour_labels.geojson"
    # The attribute "class" holds names of the preset's own classes, so its
    # head is trained further. For others, give `classes=["roof", ...]`.
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    labels = {"class_attribute": "class"}
    print(keras_rsseg.data.check(image, polygons, model=model, **labels))

    result = keras_rsseg.train(
        image, polygons, args.output, epochs=5, limit=args.limit, **labels
    )
    print(result.report)

    model = keras_rsseg.from_preset(result.preset)
    found = keras_rsseg.predict_scene(
        model, image, f"{args.output}_map.tif", overwrite=True
    )
    print(found.class_areas)


if __name__ == "__main__":
    main()
