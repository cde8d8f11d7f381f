"""`--dry-run`: estimate the cost of maps, without a model or a map."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from keras_rsseg.cli.loading import read_facts
from keras_rsseg.cli.predict_options import Request
from keras_rsseg.cli.predict_options import in_flags
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.tables import counted

if TYPE_CHECKING:
    from keras_rsseg.scenes.many.scene_job import SceneJob
    from keras_rsseg.scenes.predicting.scene_estimate import SceneEstimate

_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def print_dry_run(
    request: Request, jobs: "list[SceneJob]", options: ScenesOptions
) -> int:
    """Print what maps will cost, and what is wrong with their scenes.

    The preset's facts are read from its files; no framework is loaded.

    Args:
        request: the request of the command line.
        jobs: list of `SceneJob`s, with checked files.
        options: options of all scenes.

    Returns:
        The number of scenes that would fail.
    """
    from keras_rsseg.scenes.many.scene_report import error_line
    from keras_rsseg.scenes.predicting.scene_estimate import estimate_scene

    model = read_facts(request.preset)
    estimates: list[SceneEstimate] = []
    for job in jobs:
        try:
            given = options.changed(job.options)
            estimate = estimate_scene(model, job.source, given)
        except Exception as error:
            message, expected = error_line(error)
            if not expected or len(jobs) == 1:
                raise
            typer.echo(in_flags(f"Will fail: {job.source}: {message}"))
            continue
        estimates.append(estimate)
        typer.echo(f"{job.source} -> {job.destination}")
        for line in estimate_lines(estimate):
            typer.echo(f"  {line}")
    if len(jobs) > 1:
        typer.echo(_total(jobs, estimates))
    typer.echo("Nothing was predicted or written (--dry-run).")
    return len(jobs) - len(estimates)


def format_bytes(count: float) -> str:
    """Return a number of bytes in readable form.

    Args:
        count: number of bytes.

    Example:

    ```python
    from keras_rsseg.cli.dry_run import format_bytes

    format_bytes(3 << 29)  # "1.5 GiB"
    ```
    """
    unit = 0
    while count >= 1024 and unit < len(_BINARY) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.0f} bytes" if unit == 0 else f"{count:.1f} {_BINARY[unit]}"


def estimate_lines(estimate: "SceneEstimate") -> Iterator[str]:
    """Yield what a map will cost, line by line.

    Args:
        estimate: a `SceneEstimate`.
    """
    height, width = estimate.size
    yield f"map: {width:,} x {height:,} pixels"
    if estimate.model_size != estimate.size:
        height, width = estimate.model_size
        yield f"read at: {width:,} x {height:,} pixels"
    views = f", {estimate.views} times each" if estimate.views > 1 else ""
    yield (
        f"tiles: {estimate.tiles:,} of {estimate.tile_size} x "
        f"{estimate.tile_size} pixels{views}"
    )
    yield f"pixels through the model: {estimate.model_pixels:,}"
    yield (
        f"disk: at most {format_bytes(estimate.disk)}, twice that while "
        "running; maps compress well and usually need much less"
    )
    yield f"memory: about {format_bytes(estimate.memory)} besides the model"


def _total(jobs: "list[SceneJob]", estimates: "list[SceneEstimate]") -> str:
    pixels = sum(estimate.model_pixels for estimate in estimates)
    disk = sum(estimate.disk for estimate in estimates)
    tiles = sum(estimate.tiles for estimate in estimates)
    return (
        f"{len(estimates)} of {counted(len(jobs), 'scene')}: "
        f"{counted(tiles, 'tile')}, {pixels:,} pixels through the "
        f"model, at most {format_bytes(disk)} on disk"
    )
