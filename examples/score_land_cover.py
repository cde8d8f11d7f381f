"""Score a land-cover preset on data from three places, unseen in training.

- `dubai`: parts 3, 6 and 9 of six scenes, 0.8 m per pixel;
- `ohio_naip`: the validation tiles of southern Ohio, 0.6 m;
- `kampala`: buildings of one district, the only labelled class, read at 0.4
  to 1 m as `predict_scene` does.

The score of the first two is the mean IoU over five classes, from one
confusion matrix per place, every pixel counted once, void left out.

    python -m examples.score_land_cover ../shared/data PRESET [PRESET ...]
"""

import argparse
import json
import pathlib
import statistics
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

import keras_rsseg
from examples import train_dubai
from keras_rsseg.data import join_neighbours
from keras_rsseg.data import read_mask
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import VALIDATION_PARTS
from keras_rsseg.models.segmenter import Segmenter

# Metres per pixel at which Kampala's 7.5 cm mosaic is read.
KAMPALA_DISTANCES = (0.4, 0.5, 0.8, 1.0)
_BUILDING = FACTS.class_names.index("building")

Scores = dict[str, dict[str, float]]


def ohio_files(
    root: pathlib.Path, part: str
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Return the image and the mask files of `"train"` or `"validate"`."""
    images = sorted((root / "ohio_naip" / part / "images").glob("*.tif"))
    if not images:
        raise FileNotFoundError(f"no tiles in {root / 'ohio_naip' / part}")
    masks = [i.parents[1] / "masks" / f"{i.stem}.png" for i in images]
    return images, masks


def score_validation(
    model: Segmenter,
    root: pathlib.Path,
    dubai_parts: Sequence[int] = VALIDATION_PARTS,
) -> Scores:
    """Print and return the IoU of each class at each place.

    Args:
        model: the network.
        root: folder of the data sets.
        dubai_parts: parts of each scene of Dubai.
    """
    dubai = train_dubai.files(root / "dubai", dubai_parts)
    ohio = join_neighbours(*ohio_files(root, "validate"))
    tiles = {
        "dubai": train_dubai.scored_tiles(
            model, *dubai, palette=FACTS.to_palette()
        ),
        "ohio_naip": train_dubai.scored_tiles(model, *ohio),
    }
    found = {
        place: dict(
            zip(
                FACTS.class_names,
                train_dubai.class_ious(model, part),
                strict=True,
            )
        )
        for place, part in tiles.items()
    }
    print_scores(found)
    print(f"mean of both {mean_of_places(found):.4f}")
    return found


def mean_of_places(scores: Scores) -> float:
    """Return the mean of the places' mean IoU, by which presets are chosen."""
    return statistics.fmean(
        statistics.fmean(ious.values()) for ious in scores.values()
    )


def score_kampala(model: Segmenter, root: pathlib.Path) -> Scores:
    """Return IoU, precision and recall of buildings, by metres per pixel.

    Args:
        model: the network.
        root: folder of the data sets.
    """
    folder = root / "kampala"
    truth = read_mask(folder / "kampala_z21_buildings.tif") == 1
    found = {}
    for distance in KAMPALA_DISTANCES:
        with tempfile.TemporaryDirectory() as temporary:
            path = pathlib.Path(temporary) / "map.tif"
            keras_rsseg.predict_scene(
                model,
                folder / "kampala_z21_rgb.tif",
                path,
                ground_sample_distance=distance,
                progress=False,
            )
            mapped = read_mask(path) == _BUILDING
        both = int(np.sum(mapped & truth))
        found[f"{distance:g} m"] = {
            "iou": both / max(int(np.sum(mapped | truth)), 1),
            "precision": both / max(int(np.sum(mapped)), 1),
            "recall": both / max(int(np.sum(truth)), 1),
        }
    return found


def score_places(model: Segmenter, root: pathlib.Path) -> dict[str, Any]:
    """Print and return the scores of all places with data.

    Args:
        model: the network.
        root: folder of the data sets. Kampala's can be missing, since no
            training needs it.
    """
    found: dict[str, Any] = {**score_validation(model, root)}
    if not (root / "kampala").is_dir():
        print(f"no {root / 'kampala'}: not scored")
        return found
    kampala = score_kampala(model, root)
    print_scores({f"kampala {at}": parts for at, parts in kampala.items()})
    return {**found, "kampala": kampala}


def print_scores(scores: Scores) -> None:
    """Print the places one below another, each with its classes."""
    for place, parts in scores.items():
        if len(parts) == FACTS.num_classes:
            print(f"{place} mean IoU {statistics.fmean(parts.values()):.4f}")
        else:
            print(place)
        for name, value in parts.items():
            print(f"{name:>12} {value:.4f}", flush=True)


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=pathlib.Path, help="folder of all three")
    parser.add_argument("presets", nargs="+", help="names or folders")
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Score presets; print the scores, and write them if requested."""
    args = parse_arguments(arguments)
    found: dict[str, Any] = {}
    for preset in args.presets:
        print(f"== {preset}")
        model = keras_rsseg.from_preset(preset)
        found[preset] = score_places(model, args.data)
        if args.json:
            args.json.write_text(json.dumps(found, indent=4))
    return found


if __name__ == "__main__":
    main()
