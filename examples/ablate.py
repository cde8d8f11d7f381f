"""Re-run a table of the PFNet or the IFWM paper on aerial scenes.

Every row of a table is trained on the same schedule and data, once a seed.
Ablations train on Dubai and are scored by the protocol of `train_dubai.py`;
comparisons of systems train on Dubai and southern Ohio and are scored at both
(`train_land_cover.py`). These are small runs on small data sets: they compare
rows, they do not repeat the papers' figures.

    python -m examples.ablate ../shared/data/dubai --table ifwm-3 \
        --encoder hrnet_w18_coco_lvis --seeds 3 --steps 100 --output results

    python -m examples.ablate ../shared/data --table pfnet-4 \
        --encoder resnet50_imagenet --hrnet-encoder hrnet_w18_coco_lvis \
        --seeds 1 --steps 100 --output results --plot results/pfnet-4.svg

write `results/TABLE.csv` (one line a run) and `results/TABLE.md` (mean and
spread over seeds). The plot shows accuracy against cost, as figure 5 of the
PFNet paper does. Run the same command again to resume, run by run.
"""

import argparse
import csv
import dataclasses
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

import keras_rsseg
from benchmarks.count_macs import count_macs
from benchmarks.count_macs import count_parameters
from examples import fine_tuning
from examples import score_land_cover
from examples import train_dubai
from examples import train_land_cover
from examples.ablation_tables import TABLES
from examples.ablation_tables import Row
from examples.networks import SYSTEMS
from examples.networks import build_task
from keras_rsseg.datasets.dubai import VALIDATION_PARTS
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.tables import csv_table
from keras_rsseg.tables import markdown_lines

CLASSES = train_dubai.PALETTE.names
PLACES = {"dubai": "Dubai", "ohio_naip": "Ohio"}
# Pixels a side of the tile whose cost is counted.
_COST_SIZE = 512


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a table's rows are trained on, and how they are scored.

    Attributes:
        data: str, in the words of the table's heading.
        columns: names of the shares that are kept beside the mean IoU.
        tiles: function of the command's arguments that returns what
            `fine_tuning.train()` takes.
        score: function of a network and the command's arguments that returns
            the mean IoU and the value of each column, from 0 to 1.
    """

    data: str
    columns: Sequence[str]
    tiles: Callable[[argparse.Namespace], fine_tuning.Tiles]
    score: Callable[[Segmenter, argparse.Namespace], dict[str, float]]

    @property
    def header(self) -> list[str]:
        """The columns of the CSV file."""
        shares = ["mean IoU", *self.columns]
        return ["row", "seed", "settings", *shares, *COSTS, "seconds"]


COSTS = ("parameters", "GMACs a megapixel")


def _score_dubai(
    model: Segmenter, args: argparse.Namespace
) -> dict[str, float]:
    ious = train_dubai.evaluate(model, args)
    return {
        "mean IoU": statistics.mean(ious),
        **dict(zip(CLASSES, ious, strict=True)),
    }


def _tiles_of_both(args: argparse.Namespace) -> fine_tuning.Tiles:
    """The training of the presets, without the colours of other scenes."""
    options = {**vars(args), "without": ["color_transfer"]}
    return train_land_cover.training_tiles(
        argparse.Namespace(**options, labels="as_drawn")
    )


def _score_both(model: Segmenter, args: argparse.Namespace) -> dict[str, float]:
    scores = score_land_cover.score_validation(
        model, args.data, args.dubai_parts
    )
    places = {
        PLACES[place]: statistics.mean(ious.values())
        for place, ious in scores.items()
    }
    return {"mean IoU": statistics.mean(places.values()), **places}


DUBAI = Protocol("Dubai", CLASSES, train_dubai.training_tiles, _score_dubai)
BOTH = Protocol(
    "Dubai and Ohio", tuple(PLACES.values()), _tiles_of_both, _score_both
)


def protocol(table: str) -> Protocol:
    """Return how the rows of a table are trained and scored."""
    return BOTH if TABLES[table].on_both_places else DUBAI


def run(row: Row, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train one network and return its line of the CSV file."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    encoder = dict(row.encoder)
    if args.data_format:
        encoder["data_format"] = args.data_format
    preset = args.encoder
    if args.hrnet_encoder and SYSTEMS[row.system].encoder == "HRNetEncoder":
        preset = args.hrnet_encoder
    model = build_task(
        row.system, train_dubai.FACTS, preset, encoder, row.backbone
    )
    options = argparse.Namespace(
        **{**vars(args), "seed": seed, "backup": None, "frozen_share": 0.0}
    )
    # Plain cross-entropy for all rows, as in the papers. The released PFNet
    # ignores easy pixels, unlike its baselines.
    is_pfnet = isinstance(model, keras_rsseg.PFNet)
    losses = {"recipe": "paper"} if is_pfnet else {}
    how = protocol(args.table)
    fine_tuning.train(model, how.tiles(options), options, **losses)
    scores = how.score(model, options)
    if args.presets:
        model.save_to_preset(args.presets / f"{args.table} {row.name} {seed}")
    return {
        "row": row.name,
        "seed": seed,
        "settings": settings(args),
        **{name: f"{share:.4f}" for name, share in scores.items()},
        **costs(model),
        "seconds": f"{time.perf_counter() - start:.0f}",
    }


def costs(model: Segmenter) -> dict[str, str]:
    """Return the parameters and multiply-adds of a network.

    The latter by the megapixel, as some take tiles of one size only.
    """
    size = model.input_shape[1] or _COST_SIZE
    gmacs = count_macs(model, size) / 1e9 / (size**2 / 1e6)
    values = (f"{count_parameters(model)}", f"{gmacs:.1f}")
    return dict(zip(COSTS, values, strict=True))


def settings(args: argparse.Namespace) -> str:
    """What must be equal for two runs to stand in one table."""
    text = (
        f"{keras.backend.backend()}, {args.steps} steps of {args.batch_size} x "
        f"{args.tile_size} px, learning rate {args.learning_rate:g}"
    )
    if tuple(args.dubai_parts) != VALIDATION_PARTS:
        parts = " and ".join(map(str, args.dubai_parts))
        text += f", of Dubai part {parts} of each scene scored"
    return text


def read_runs(
    path: pathlib.Path, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return the lines of an earlier run, checked against the arguments."""
    runs = _lines(path)
    for line in runs:
        if line["settings"] != settings(args):
            raise SystemExit(
                f"{path} holds runs with other settings ({line['settings']}; "
                f"now {settings(args)}): give another --output or move it away"
            )
    return runs


def known_run(
    row: Row, seed: int, args: argparse.Namespace
) -> dict[str, Any] | None:
    """Return the line of a row that another table has trained already.

    Args:
        row: of the table that `args` names.
        seed: number of the run.
        args: the command's arguments.
    """
    for name, table in TABLES.items():
        if protocol(name) is not protocol(args.table) or row not in table.rows:
            continue
        wanted = (row.name, str(seed), settings(args))
        for line in _lines(args.output / f"{name}.csv"):
            if (line["row"], line["seed"], line["settings"]) == wanted:
                return line
    return None


def _lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a CSV file, none if it does not exist."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_runs(
    path: pathlib.Path, runs: list[dict[str, Any]], header: Sequence[str]
) -> None:
    """Replace the CSV file, whole or not at all."""
    partial = path.with_suffix(".partial")
    rows = [[run.get(name, "") for name in header] for run in runs]
    partial.write_text(csv_table(header, rows), newline="")
    partial.replace(path)


def summarise(
    runs: list[dict[str, Any]], args: argparse.Namespace, command: str
) -> str:
    """Return a table in Markdown: mean and spread over the seeds."""
    how = protocol(args.table)
    head = ["", "seeds", "mean IoU", "smallest to largest", *how.columns]
    with_costs = all(run.get(name) for run in runs for name in COSTS)
    if with_costs:
        head += ["million parameters", COSTS[1]]
    rows = [
        [name, *_summary(of_row, how.columns, with_costs)]
        for name, of_row in _by_row(runs).items()
    ]
    lines = [
        f"# {TABLES[args.table].title}",
        "",
        f"{how.data}, validation parts, {settings(args)}. Mean IoU and its "
        "sample standard deviation over seeds, then the mean IoU of each "
        f"{'place' if how is BOTH else 'class'}, all in percent.",
        "",
        f"    {command}",
        "",
        *markdown_lines(head, rows),
    ]
    return "\n".join(lines) + "\n"


def _by_row(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each row."""
    return {
        name: [run for run in runs if run["row"] == name]
        for name in dict.fromkeys(run["row"] for run in runs)
    }


def _percents(runs: list[dict[str, Any]], column: str) -> list[float]:
    return [100 * float(run[column]) for run in runs]


def _summary(
    runs: list[dict[str, Any]], columns: Sequence[str], with_costs: bool
) -> list[str]:
    """Return the cells of a row, from its runs."""
    scores = _percents(runs, "mean IoU")
    spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    cells = [
        str(len(scores)),
        f"{statistics.mean(scores):.2f}{spread}",
        f"{min(scores):.2f} to {max(scores):.2f}",
        *(f"{statistics.mean(_percents(runs, name)):.1f}" for name in columns),
    ]
    if with_costs:
        parameters, gmacs = (runs[0][name] for name in COSTS)
        cells += [f"{int(parameters) / 1e6:.1f}", gmacs]
    return cells


def draw(runs: list[dict[str, Any]], title: str, path: pathlib.Path) -> None:
    """Draw accuracy against cost, as figure 5 of the PFNet paper does.

    Args:
        runs: lines of the CSV file, with costs.
        title: of the picture.
        path: of the picture; its ending says which kind.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    for name, of_row in _by_row(runs).items():
        scores = _percents(of_row, "mean IoU")
        mean = statistics.mean(scores)
        around = [[mean - min(scores)], [max(scores) - mean]]
        ours = "PFNet" in name or "IFWM" in name or "both papers" in name
        gmacs = float(of_row[0][COSTS[1]])
        color = "tab:red" if ours else "tab:blue"
        axes.errorbar(gmacs, mean, around, fmt="o", color=color)
        axes.annotate(
            name, (gmacs, mean), (5, 3), textcoords="offset points", size=8
        )
    axes.set(
        xscale="log", xlabel=COSTS[1], ylabel="mean IoU, percent", title=title
    )
    axes.margins(x=0.15)
    figure.savefig(path, metadata={"Date": None})


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "data",
        type=pathlib.Path,
        help="folder of Dubai's scenes; for comparisons, of both data sets",
    )
    parser.add_argument("--table", choices=tuple(TABLES), required=True)
    parser.add_argument("--encoder", required=True, help="preset")
    parser.add_argument(
        "--hrnet-encoder", help="preset for the rows on an HRNet"
    )
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument(
        "--presets", type=pathlib.Path, help="folder to keep networks in"
    )
    parser.add_argument(
        "--plot", type=pathlib.Path, help="picture of accuracy against cost"
    )
    parser.add_argument(
        "--dubai-parts",
        type=int,
        nargs="+",
        choices=VALIDATION_PARTS,
        default=VALIDATION_PARTS,
        help="parts of Dubai's scenes that comparisons are scored on",
    )
    fine_tuning.add_data_format(parser)
    args = parser.parse_args(arguments)
    if TABLES[args.table].on_both_places and args.batch_size % 2:
        parser.error("--batch-size must be even: half of it from each place")
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what a table lacks, and write the table after every run."""
    args = parse_arguments(arguments)
    table = TABLES[args.table]
    args.output.mkdir(parents=True, exist_ok=True)
    path = args.output / f"{args.table}.csv"
    runs = read_runs(path, args)
    done = {(line["row"], int(line["seed"])) for line in runs}
    words = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["python -m examples.ablate", *words])
    # Seed by seed, so that an unfinished table compares all rows.
    for seed in range(1, args.seeds + 1):
        for row in table.rows:
            if (row.name, seed) in done:
                continue
            print(f"== {args.table}: {row.name}, seed {seed}", flush=True)
            runs.append(known_run(row, seed, args) or run(row, seed, args))
            write_runs(path, runs, protocol(args.table).header)
            path.with_suffix(".md").write_text(summarise(runs, args, command))
            if args.plot:
                draw(runs, table.title, args.plot)
    print(path.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
