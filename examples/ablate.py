"""Re-run an ablation table of the PFNet or the IFWM paper on aerial scenes.

Every row of a table is trained with the same schedule and data, once per seed,
and scored by the protocol of `train_dubai.py`. These are small runs on a
small data set: they compare rows but do not reproduce the papers' figures.

    python -m examples.ablate ../shared/data/dubai --table ifwm-3 \
        --encoder hrnet_w18_coco_lvis --seeds 3 --steps 100 --output results

writes `results/ifwm-3.csv` (one line per run) and `results/ifwm-3.md` (mean
and spread over seeds). Run the same command again to resume; finished runs
are kept.
"""

import argparse
import csv
import dataclasses
import pathlib
import statistics
import sys
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras

from examples import fine_tuning
from examples import train_dubai
from examples.networks import build_task
from keras_rsseg.tables import csv_table
from keras_rsseg.tables import markdown_lines


@dataclasses.dataclass(frozen=True)
class Row:
    """One network of a table.

    Attributes:
        name: str, as the paper calls it.
        system: a key of `examples.networks.SYSTEMS`.
        backbone: dict of arguments of its backbone.
        encoder: dict of arguments of its encoder.
    """

    name: str
    system: str = "pfnet"
    backbone: dict = dataclasses.field(default_factory=dict)
    encoder: dict = dataclasses.field(default_factory=dict)


_PPM = Row("FPN with PPM", "semantic_fpn")
# Stride 8, as the papers use for these context modules.
_STRIDE_8 = {
    "stackwise_strides": (1, 2, 1, 1),
    "stackwise_dilations": (1, 1, 2, 4),
}


def _pfnet(name: str, **backbone: Any) -> Row:
    return Row(name, "pfnet", backbone)


def _fusion(name: str, fusion: str) -> Row:
    return Row(name, "hrnet", encoder={"fusion": fusion})


def _heads() -> Iterator[Row]:
    """Yield each context module alone, with an FPN and with PFNet's decoder."""
    for name, alone, context in (
        ("DeepLabV3", "deeplab_v3", "atrous_pooling"),
        ("CCNet", "ccnet", "criss_cross"),
        ("DANet", "danet", "dual_attention"),
        ("DenseASPP", "denseaspp", "dense_atrous_pooling"),
        ("EMANet", "emanet", "expectation_maximization"),
        ("EncNet", "encnet", "encoding"),
        ("OCNet", "ocnet", "object_context"),
    ):
        yield Row(name, alone, encoder=_STRIDE_8)
        backbone = {"context": context}
        for decoder, system in (("FPN", "semantic_fpn"), ("PFM", "pfnet")):
            yield Row(f"{name} + {decoder}", system, backbone, _STRIDE_8)


TABLES = {
    "ifwm-3": (
        "IFWM, Table III: which flow aligns HRNet's branches",
        [
            _fusion("HRNet", "bilinear"),
            _fusion("SF", "sf"),
            _fusion("LSF", "lsf"),
            _fusion("RIFW", "rifw"),
            _fusion("IFWM", "ifwm"),
        ],
    ),
    "pfnet-2a": (
        "PFNet, Table 2a: which points flow",
        [
            _PPM,
            _pfnet("salient points", flows=("salient",)),
            _pfnet("boundary points", flows=("boundary",)),
            _pfnet("both"),
        ],
    ),
    "pfnet-2b": (
        "PFNet, Table 2b: at which levels points flow",
        [
            _PPM,
            _pfnet("P4", levels=("P4",)),
            _pfnet("P3", levels=("P3",)),
            _pfnet("P2", levels=("P2",)),
            _pfnet("P4, P3", levels=("P4", "P3")),
            _pfnet("P4, P3, P2"),
        ],
    ),
    "pfnet-2c": (
        "PFNet, Table 2c: what takes the module's place",
        [
            Row("FPN", "semantic_fpn", {"context": None}),
            _PPM,
            _pfnet("DCNv1", alignment="deformable_conv"),
            _pfnet("DCNv2", alignment="modulated_deformable_conv"),
            _pfnet("dense affinity", alignment="dense_affinity"),
            _pfnet("FAM", alignment="flow_alignment"),
            _pfnet("PFM"),
        ],
    ),
    "pfnet-2d": (
        "PFNet, Table 2d: how salient points are sampled",
        [
            _pfnet("random", salient_sampler="random"),
            _pfnet("attention", salient_sampler="attention"),
            _pfnet("max pooling"),
        ],
    ),
    "pfnet-2e": (
        "PFNet, Table 2e: in which direction points flow",
        [
            _pfnet("top-down"),
            _pfnet("bottom-up", direction="bottom_up"),
            _pfnet("top-down, then bottom-up", direction="both"),
        ],
    ),
    "pfnet-2f": (
        "PFNet, Table 2f: how boundaries are predicted",
        [
            _pfnet("direct", boundary_from="direct"),
            _pfnet("addition", boundary_from="addition"),
            _pfnet("subtraction"),
        ],
    ),
    "pfnet-2g": ("PFNet, Table 2g: other context modules", [*_heads()]),
    "pfnet-fig3": (
        "PFNet, figure 3: how many points",
        [
            *(
                _pfnet(f"{number} boundary points", num_boundary_points=number)
                for number in (64, 128, 192, 256)
            ),
            *(
                _pfnet(f"{size} x {size} salient points", max_pool_size=size)
                for size in (10, 14, 18, 24)
            ),
        ],
    ),
}
CLASSES = train_dubai.PALETTE.names
COLUMNS = ["row", "seed", "settings", "mean IoU", *CLASSES, "seconds"]


def run(row: Row, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train one network and return its line of the CSV file."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    encoder = dict(row.encoder)
    if args.data_format:
        encoder["data_format"] = args.data_format
    model = build_task(
        row.system, train_dubai.FACTS, args.encoder, encoder, row.backbone
    )
    options = argparse.Namespace(
        **{**vars(args), "seed": seed, "backup": None, "frozen_share": 0.0}
    )
    # Plain cross-entropy for all rows, as in the papers. The released PFNet
    # ignores easy pixels, unlike its baselines.
    losses = {"recipe": "paper"} if row.system == "pfnet" else {}
    fine_tuning.train(
        model, train_dubai.training_tiles(options), options, **losses
    )
    ious = train_dubai.evaluate(model, options)
    return {
        "row": row.name,
        "seed": seed,
        "settings": settings(args),
        "mean IoU": f"{statistics.mean(ious):.4f}",
        **{n: f"{iou:.4f}" for n, iou in zip(CLASSES, ious, strict=True)},
        "seconds": f"{time.perf_counter() - start:.0f}",
    }


def settings(args: argparse.Namespace) -> str:
    """Return what must be equal for two runs to share a table."""
    return (
        f"{keras.backend.backend()}, {args.steps} steps of {args.batch_size} x "
        f"{args.tile_size} px, learning rate {args.learning_rate:g}"
    )


def read_runs(
    path: pathlib.Path, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return the lines of an earlier run, checked against the arguments."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        runs = list(csv.DictReader(file))
    for line in runs:
        if line["settings"] != settings(args):
            raise SystemExit(
                f"{path} holds runs with other settings ({line['settings']}; "
                f"now {settings(args)}): give another --output or move it away"
            )
    return runs


def write_runs(path: pathlib.Path, runs: list[dict[str, Any]]) -> None:
    """Replace the CSV file, whole or not at all."""
    partial = path.with_suffix(".partial")
    rows = [[run[name] for name in COLUMNS] for run in runs]
    partial.write_text(csv_table(COLUMNS, rows), newline="")
    partial.replace(path)


def summarise(
    title: str,
    runs: list[dict[str, Any]],
    args: argparse.Namespace,
    command: str,
) -> str:
    """Return a table in Markdown: mean and spread over the seeds."""
    head = ["", "seeds", "mean IoU", "smallest to largest", *CLASSES]
    names = dict.fromkeys(line["row"] for line in runs)
    rows = [
        [name, *_summary([line for line in runs if line["row"] == name])]
        for name in names
    ]
    lines = [
        f"# {title}",
        "",
        f"Dubai scenes, validation parts, {settings(args)}. Mean IoU and its "
        "sample standard deviation over seeds, then the mean IoU of each "
        "class, all in percent.",
        "",
        f"    {command}",
        "",
        *markdown_lines(head, rows),
    ]
    return "\n".join(lines) + "\n"


def _summary(runs: list[dict[str, Any]]) -> list[str]:
    """Return the cells of a row from its runs."""
    scores = [100 * float(run["mean IoU"]) for run in runs]
    spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    return [
        str(len(scores)),
        f"{statistics.mean(scores):.2f}{spread}",
        f"{min(scores):.2f} to {max(scores):.2f}",
        *(
            f"{100 * statistics.mean(float(run[name]) for run in runs):.1f}"
            for name in CLASSES
        ),
    ]


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("data", type=pathlib.Path, help="folder of the scenes")
    parser.add_argument("--table", choices=tuple(TABLES), required=True)
    parser.add_argument("--encoder", required=True, help="preset")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    fine_tuning.add_data_format(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what a table lacks, and write the table after every run."""
    args = parse_arguments(arguments)
    title, rows = TABLES[args.table]
    args.output.mkdir(parents=True, exist_ok=True)
    path = args.output / f"{args.table}.csv"
    runs = read_runs(path, args)
    done = {(line["row"], int(line["seed"])) for line in runs}
    words = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["python -m examples.ablate", *words])
    # Seed by seed, so that an unfinished table compares all rows.
    for seed in range(1, args.seeds + 1):
        for row in rows:
            if (row.name, seed) in done:
                continue
            print(f"== {args.table}: {row.name}, seed {seed}", flush=True)
            runs.append(run(row, seed, args))
            write_runs(path, runs)
            table = summarise(title, runs, args, command)
            path.with_suffix(".md").write_text(table)
    print(path.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
