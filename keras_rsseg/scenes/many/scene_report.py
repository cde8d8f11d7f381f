"""The outcomes of many scenes: a table to print, a CSV file to keep."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from keras_rsseg.csv_files import read_csv_file
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import is_expected
from keras_rsseg.errors import one_line
from keras_rsseg.files import write_durably
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.predict_scene import SceneResult
from keras_rsseg.tables import counted
from keras_rsseg.tables import csv_table
from keras_rsseg.tables import text_table
from keras_rsseg.typing import PathLike

# The possible outcomes of a scene, good ones first.
DONE = "done"
SKIPPED = "finished before"
FAILED = "failed"
INTERRUPTED = "interrupted"
NOT_STARTED = "not started"
STATUSES = (DONE, SKIPPED, FAILED, INTERRUPTED, NOT_STARTED)

# Characters of a line before the classes, and of each class size.
_FIRST_COLUMNS, _COLUMN = 50, 10

_COLUMNS = ("scene", "output", "status", "seconds", "valid_share", "error")


@dataclasses.dataclass(frozen=True)
class SceneOutcome:
    """The outcome of one scene.

    Attributes:
        job: its `SceneJob`.
        status: `"done"`, `"finished before"` (by the run that was resumed),
            `"failed"`, `"interrupted"` or `"not started"`.
        seconds: time that it took.
        result: its `SceneResult`; `None` without a map.
        error: what went wrong, in one line; `None` if nothing did.

    Example:

    ```python
    import pathlib
    from keras_rsseg.scenes import SceneJob, SceneOutcome

    job = SceneJob("scene.tif", pathlib.Path("maps/scene.tif"))
    SceneOutcome(job, "done", seconds=1.5).is_good  # True
    ```
    """

    job: SceneJob
    status: str = NOT_STARTED
    seconds: float = 0.0
    result: SceneResult | None = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether everything requested exists."""
        return self.status in (DONE, SKIPPED)


def error_line(error: BaseException) -> tuple[str, bool]:
    """Return the message to show for an error, in one line.

    Args:
        error: an exception.

    Returns:
        `(message, is_expected)`; expected errors come from a wrong scene,
        file or argument. Any other may be a bug, and the message names its
        type.
    """
    message = one_line(error)
    if is_expected(error):
        return message, True
    return f"{type(error).__name__}: {message}", False


class SceneReport:
    """Outcomes of scenes.

    Args:
        outcomes: list of `SceneOutcome`s.

    Example:

    ```python
    import pathlib
    from keras_rsseg.scenes import SceneJob, SceneOutcome, SceneReport

    job = SceneJob("scene.tif", pathlib.Path("maps/scene.tif"))
    report = SceneReport([SceneOutcome(job, "failed", error="no raster")])
    report.save(pathlib.Path("report.csv"))
    SceneReport.read("report.csv").summary()  # "1 scene: 1 failed"
    ```
    """

    def __init__(self, outcomes: Iterable[SceneOutcome]) -> None:
        self.outcomes = list(outcomes)

    @property
    def bad(self) -> list[SceneOutcome]:
        """The outcomes of scenes that are not completely done."""
        return [outcome for outcome in self.outcomes if not outcome.is_good]

    def class_names(self) -> list[str]:
        """Return the names of all classes, in the order of their ids."""
        names: dict[str, None] = {}
        for outcome in self.outcomes:
            if outcome.result is not None:
                names.update(dict.fromkeys(outcome.result.class_pixels))
        return list(names)

    def to_csv(self) -> str:
        """Return the report as CSV.

        A row for each scene: `scene`, `output`, `status`, `seconds`,
        `valid_share` (0 to 1), `error`, and for each class its pixels and
        its square metres. Unknown values are empty.
        """
        names = self.class_names()
        columns = [f"{name} {unit}" for name in names for unit in ("px", "m2")]
        return csv_table(
            [*_COLUMNS, *columns],
            [_csv_row(outcome, names) for outcome in self.outcomes],
        )

    @classmethod
    def read(cls, path: PathLike) -> "SceneReport":
        """Read a report that `save` wrote.

        Args:
            path: path of the CSV file.

        Returns:
            A `SceneReport`, with areas to the square centimetre. Its jobs
            have only paths.

        Raises:
            OSError: if it cannot be read.
            ArgumentError: if it is not such a report.
        """
        rows = read_csv_file(path).rows
        try:
            return cls([_read_row(cells) for _, cells in rows])
        except (KeyError, ValueError) as error:
            raise ArgumentError(
                f"{path} is not a report on scenes: {error!r}"
            ) from error

    def save(self, path: pathlib.Path) -> None:
        """Write the report as CSV, completely or not at all.

        Args:
            path: `pathlib.Path`; replaced if it exists, except rows of
                earlier runs about other maps.
        """
        others = self.others(path)
        whole = SceneReport([*others, *self.outcomes]) if others else self
        write_durably(path, whole.to_csv().encode("utf-8"))

    def others(self, path: pathlib.Path) -> list[SceneOutcome]:
        """Return the outcomes in a file about maps not in this report.

        Args:
            path: `pathlib.Path` of the file. If it cannot be read or is not
                a report, there are none.
        """
        own = {os.path.abspath(o.job.destination) for o in self.outcomes}
        return [
            outcome
            for outcome in _stored(path)
            if os.path.abspath(outcome.job.destination) not in own
        ]

    def is_added_to(self, path: pathlib.Path) -> bool:
        """Return whether `save` would keep all of an existing file.

        Args:
            path: `pathlib.Path` of a file, possibly a report on other maps.
        """
        stored = _stored(path)
        return bool(stored) and len(self.others(path)) == len(stored)

    def to_text(self, rows: int | None = None, width: int | None = None) -> str:
        """Return the report as a table to print, followed by the errors.

        Args:
            rows: maximum number of maps to list, failed ones first; `None`
                for all.
            width: number of characters per line, which limits the number of
                classes; `None` for all.
        """
        names = self._main_classes(width)
        header = ["map", "status", "seconds", "valid", *names]
        maps = _told_apart([o.job.destination for o in self.outcomes])
        listed = list(zip(maps, self.outcomes, strict=True))
        if rows is not None and len(listed) > rows:
            # Sorting is stable.
            listed = sorted(listed, key=lambda pair: pair[1].is_good)[:rows]
        table = [[name, *self._row(outcome, names)] for name, outcome in listed]
        known = [o.result for o in self.outcomes if o.result is not None]
        if len(known) > 1:
            table.append(
                ["all", "", *_total(self.outcomes), *_sum(known, names)]
            )
        lines = [text_table(header, table)]
        hidden = len(self.outcomes) - len(listed)
        if hidden:
            lines.append(f"and {hidden:,} more, see the report")
        for _, outcome in listed:
            if outcome.error is not None and not outcome.is_good:
                lines.append(f"{outcome.job.source}: {outcome.error}")
        lines.append(self.summary())
        return "\n".join(lines)

    def summary(self) -> str:
        """Return one line with the number of scenes per outcome."""
        counts = collections.Counter(o.status for o in self.outcomes)
        parts = [f"{counts[key]} {key}" for key in STATUSES if counts[key]]
        total = len(self.outcomes)
        return f"{counted(total, 'scene')}: {', '.join(parts)}"

    def _main_classes(self, width: int | None) -> list[str]:
        """The classes with the most pixels that fit in a line."""
        names = self.class_names()
        room = len(names)
        if width is not None:
            widest = max([_COLUMN, *map(len, names)])
            room = max(1, (width - _FIRST_COLUMNS) // (widest + 2))
        pixels = collections.Counter[str]()
        for outcome in self.outcomes:
            if outcome.result is not None:
                pixels.update(outcome.result.class_pixels)
        kept = {name for name, _ in pixels.most_common(room)}
        return [name for name in names if name in kept]

    def _row(self, outcome: SceneOutcome, names: list[str]) -> list[str]:
        result = outcome.result
        row = [outcome.status, f"{outcome.seconds:.1f}"]
        if result is None:
            return [*row, "", *[""] * len(names)]
        sizes = [class_size(result, name) for name in names]
        return [*row, f"{result.valid_share:.1%}", *sizes]


def _told_apart(paths: Sequence[pathlib.Path]) -> list[str]:
    """Names of maps, with the folders needed to tell equal ones apart."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    common = os.path.commonpath([os.path.abspath(path) for path in paths])
    if len(paths) == 1 or common in map(os.path.abspath, paths):
        return names
    return [os.path.relpath(path, common) for path in paths]


def _stored(path: pathlib.Path) -> list[SceneOutcome]:
    try:
        return SceneReport.read(path).outcomes
    except (OSError, ArgumentError):
        return []


def class_size(result: SceneResult, name: str) -> str:
    """Return the size of a class in a map in readable form.

    Args:
        result: a `SceneResult`.
        name: name of the class.
    """
    if name not in result.class_pixels:
        return ""
    if result.class_areas is None:
        return f"{result.class_pixels[name]} pixels"
    return format_area(result.class_areas[name])


def format_area(area: float) -> str:
    """Return square metres in m2, ha or km2."""
    if area < 1e4:
        return f"{area:,.0f} m2"
    if area < 1e6:
        return f"{area / 1e4:,.2f} ha"
    return f"{area / 1e6:,.2f} km2"


def _csv_row(outcome: SceneOutcome, names: list[str]) -> list[Any]:
    job, result = outcome.job, outcome.result
    return [
        job.source,
        job.destination,
        outcome.status,
        f"{outcome.seconds:.2f}",
        "" if result is None else f"{result.valid_share:.6f}",
        outcome.error or "",
        *_class_cells(result, names),
    ]


def _class_cells(result: SceneResult | None, names: list[str]) -> Iterator[Any]:
    for name in names:
        pixels = None if result is None else result.class_pixels.get(name)
        if pixels is None:
            yield from ("", "")
            continue
        yield pixels
        areas = None if result is None else result.class_areas
        yield "" if areas is None else f"{areas[name]:.2f}"


def _read_row(row: dict[str, str]) -> SceneOutcome:
    row = {name: cell for name, cell in row.items() if cell != ""}
    destination = pathlib.Path(row["output"])
    seconds = float(row["seconds"])
    result = None
    if "valid_share" in row:
        pixels = _read_cells(row, " px", int)
        areas = _read_cells(row, " m2", float) or None
        share = float(row["valid_share"])
        result = SceneResult(destination, seconds, share, pixels, areas)
    job = SceneJob(row["scene"], destination)
    return SceneOutcome(job, row["status"], seconds, result, row.get("error"))


def _read_cells(
    row: dict[str, str], unit: str, read: Callable[[str], Any]
) -> dict[str, Any]:
    return {
        name.removesuffix(unit): read(cell)
        for name, cell in row.items()
        if name.endswith(unit)
    }


def _total(outcomes: list[SceneOutcome]) -> tuple[str, str]:
    return f"{sum(outcome.seconds for outcome in outcomes):.1f}", ""


def _sum(results: list[SceneResult], names: list[str]) -> Iterator[str]:
    """Area of each class; empty for maps without a reference system."""
    for name in names:
        areas = [r.class_areas.get(name, 0) for r in results if r.class_areas]
        yield format_area(sum(areas)) if areas else ""
