"""The files of a report: checked before the work, written after it."""

import importlib.util
import os
import pathlib

from keras_rsseg.scenes.writing.durable_file import write_durably

FILES = ("report.json", "report.md", "confusion_matrix.png", "worst_tiles.png")


def check_output(directory, overwrite=False):
    """Raise what `EvaluationReport.save` would raise about its folder.

    Args:
        directory: path of the folder.
        overwrite: whether an older report there may be replaced.

    Returns:
        The folder's `pathlib.Path`.

    Raises:
        FileExistsError: if there is a report and `overwrite` is false.
        FileNotFoundError: if the folder's own folder does not exist.
        ImportError: without matplotlib.
        NotADirectoryError: if `directory` is a file.
        PermissionError: if the folder cannot be written or made.
    """
    folder = pathlib.Path(directory)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"`output` is a file, not a folder: {folder}")
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"`output`: there is no folder {folder.parent}")
    place = folder if folder.is_dir() else folder.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"`output`: the folder {place} cannot be written")
    old = [name for name in FILES if (folder / name).exists()]
    if old and not overwrite:
        raise FileExistsError(
            f"`output` holds a report ({', '.join(old)}): {folder}. Give "
            "`overwrite` (on the command line --overwrite) to replace it"
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(
            "The pictures of a report need matplotlib: pip install matplotlib"
        )
    return folder


def write_report(report, directory, overwrite=False):
    """Write an `EvaluationReport`; see `EvaluationReport.save`."""
    folder = check_output(directory, overwrite)
    from keras_rsseg.evaluation.report_pictures import draw_confusion
    from keras_rsseg.evaluation.report_pictures import draw_worst_tiles

    folder.mkdir(exist_ok=True)
    # Figures first: nothing that goes wrong with a picture can cost them.
    write_durably(folder / "report.json", report.to_json().encode())
    write_durably(folder / "report.md", report.to_markdown().encode())
    _draw(folder / "confusion_matrix.png", draw_confusion(report))
    worst = folder / "worst_tiles.png"
    if report.worst_tiles:
        _draw(worst, draw_worst_tiles(report))
    else:
        # An older report's would be taken for this one's.
        worst.unlink(missing_ok=True)
    return folder


def _draw(path, figure):
    import io

    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_durably(path, picture.getvalue())
