"""From images and masks to a preset, in one call."""

import dataclasses
import functools
import os
import pathlib
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from tqdm import tqdm

from keras_rsseg.data.check import check
from keras_rsseg.data.check import only_class
from keras_rsseg.data.check_report import CheckReport
from keras_rsseg.data.mask_values import ids_of_classes
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.datasets.palettes import as_named_palette
from keras_rsseg.errors import DatasetError
from keras_rsseg.evaluation.evaluate import evaluate
from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.evaluation.evaluation_report import check_output
from keras_rsseg.files import hidden_path
from keras_rsseg.files import remove_file
from keras_rsseg.files import remove_partials
from keras_rsseg.models.preset_task import from_preset
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.options import takes
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.training import epoch_backup
from keras_rsseg.training.best_epoch import BEST
from keras_rsseg.training.fit_parts import fit_parts
from keras_rsseg.training.fit_parts import runs_eagerly
from keras_rsseg.training.labelled_parts import LabelledParts
from keras_rsseg.training.labelled_parts import labelled_parts
from keras_rsseg.training.labelled_parts import plain_file
from keras_rsseg.training.starting_model import PresetFacts
from keras_rsseg.training.starting_model import preset_facts
from keras_rsseg.training.starting_model import starting_model
from keras_rsseg.training.training_card import write_training_card
from keras_rsseg.training.training_history import HISTORY
from keras_rsseg.training.training_settings import CONFIG
from keras_rsseg.training.training_settings import SETTINGS
from keras_rsseg.training.training_settings import keep_settings
from keras_rsseg.training.training_settings import settings_of
from keras_rsseg.training.training_settings import write_config
from keras_rsseg.training_options import TrainingOptions
from keras_rsseg.work_folder import WorkFolder

# Names of files in the folder of a stopped training.
_KEPT = rf"{epoch_backup.NAMES}|{BEST}|{HISTORY}|{SETTINGS}|\..*\.partial"


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """The result of a training.

    Attributes:
        preset: path of the preset's folder.
        report: scores of the validation part, an `EvaluationReport`.
        report_folder: path of the report with its pictures.
        history: list of dicts, losses and scores of each epoch.
        best_epoch: number of the epoch that the preset holds, from 1.
        predict_command: the command that maps an image with the preset.

    Example:

    ```python
    # result = keras_rsseg.train("images", "masks", "my_preset")
    fields = keras_rsseg.training.TrainingResult.__dataclass_fields__
    "best_epoch" in fields  # True
    ```
    """

    preset: pathlib.Path
    report: EvaluationReport
    report_folder: pathlib.Path
    history: list[dict[str, Any]]
    best_epoch: int
    predict_command: str


@takes(TrainingOptions)
def train(
    images: Any,
    masks: Any,
    output: str | os.PathLike[str],
    options: TrainingOptions,
) -> TrainingResult:
    """Fine-tune a preset on images with masks, and write a preset.

    Data are first checked by `keras_rsseg.data.check`: what would be trained
    wrongly is an error. Images or blocks of them are held out, with about
    the same share of each class, random tiles of the others are trained on,
    and the epoch with the highest mean IoU on the held-out part becomes the
    preset. Images or blocks without labels are left out. A training stopped
    at any moment resumes with `resume=True`, and ends with the same weights.

    `OUTPUT_report` is written beside the preset: tables, confusion matrix,
    the worst tiles and the learning curve of the held-out part. The preset's
    folder also holds its `card.json` and, in `training.yaml`, the options of
    this training.

    Args:
        images: folder, pattern (`"images/*.tif"`), or list of paths or
            arrays, as for `keras_rsseg.data.tile_dataset`.
        masks: the masks, likewise; or a file of polygons.
        output: path of the preset's folder to write.
        options: of the training.

    Returns:
        `TrainingResult`.

    Raises:
        AlreadyRunningError: if another training is writing this preset.
        ArgumentError: if an option is out of range or does not fit the
            images, or a stopped training had other options.
        DatasetError: if images and masks are not fit to train on.
        FileExistsError: if there is a preset, or what a stopped training
            left, and neither `overwrite` nor `resume` is given.
        FileNotFoundError: if a file does not exist.
        MissingPackageError: if matplotlib, for the report, is missing.
        PresetError: if the preset to start from cannot be loaded.

    Example:

    ```python
    random = np.random.default_rng(0)
    images = random.integers(0, 120, (6, 64, 64, 3)).astype("uint8")
    masks = np.zeros((6, 64, 64), "uint8")
    images[:, 16:48, 16:48] += 120
    masks[:, 16:48, 16:48] = 1
    result = keras_rsseg.train(
        images,
        masks,
        "roofs",
        classes=["ground", "roof"],
        tile_size=64,
        limit=1,
        progress=False,
    )
    keras_rsseg.from_preset(result.preset).class_names  # ["ground", "roof"]
    ```
    """
    output = pathlib.Path(output)
    report_folder = output.with_name(f"{output.name}_report")
    options = options.changed({"palette": as_named_palette(options.palette)})
    say = functools.partial(_say, options.progress)
    with _workspace(output, options) as workspace:
        check_output(report_folder, overwrite=True)
        facts = preset_facts(options)
        settings = settings_of(images, masks, options)
        ids = ids_of_classes(
            options.ids, options.class_attribute, facts.class_names
        )
        options = options.changed({"ids": ids})
        found = _checked(images, masks, options, facts, say)
        parts = labelled_parts(
            images, masks, options, facts.preset_distance, facts.num_classes
        )
        keep_settings(workspace / SETTINGS, settings, parts)
        say(_what_is_trained(parts, options))
        _doubt_split(parts, found, facts)
        keras.utils.set_random_seed(options.seed)
        model, is_own = starting_model(facts, found, parts.train[0], options)
        model.preprocessor.image_converter.ground_sample_distance = (
            parts.ground_sample_distance
        )
        epochs, best = fit_parts(
            model,
            parts,
            workspace,
            options,
            found.images[0].dtype,
            not is_own,
            say if options.progress else None,
        )
        best.restore(model)
        report = _write_all(
            model, output, report_folder, epochs, best.epoch, parts, options
        )
        write_config(output / CONFIG, settings)
        write_training_card(
            model, output, facts.preset, report, parts, options, epochs
        )
        for path in (output, report_folder):
            remove_partials(path)
    return TrainingResult(
        output,
        report,
        report_folder,
        epochs,
        best.epoch,
        predict_command(output, parts.validation[0][0]),
    )


def predict_command(preset: pathlib.Path, image: Any) -> str:
    """Return the command that maps an image with a preset.

    Args:
        preset: path of its folder.
        image: path of an image, or an array.
    """
    scene = plain_file(image) if is_path(image) else "SCENE.tif"
    stem = pathlib.Path(scene).stem
    return (
        f"keras-rsseg predict {scene} --preset {preset} "
        f"--output {stem}_classes.tif"
    )


def _say(is_wanted: bool, text: str) -> None:
    if is_wanted:
        tqdm.write(text, file=sys.stderr)


# === What is there already ===


@contextmanager
def _workspace(
    output: pathlib.Path, options: TrainingOptions
) -> Iterator[pathlib.Path]:
    """A hidden folder beside the preset, for one training at a time."""
    folder = hidden_path(output, ".training")
    work = WorkFolder(folder, output, _KEPT)
    is_stopped = (folder / SETTINGS).exists()
    if not options.overwrite:
        if is_stopped and not options.resume:
            raise FileExistsError(
                f"A training of {output} was stopped, and can resume from "
                f"{folder}. Give `resume=True` to resume, or `overwrite=True` "
                "to start again"
            )
        if output.exists() and not is_stopped:
            if folder.exists():
                # Killed while tidying up, when all was done.
                work.acquire()
                _tidy(work)
                work.release()
            raise FileExistsError(
                f"`output`: {output} exists. Give `overwrite=True` to replace "
                "it"
            )
    output.parent.mkdir(parents=True, exist_ok=True)
    work.acquire()
    try:
        if not options.resume or not (folder / SETTINGS).exists():
            _tidy(work)
        yield folder
        _tidy(work)
    finally:
        work.release()


def _tidy(work: WorkFolder) -> None:
    # First, so that files left over are not taken for a stopped training.
    remove_file(work.path / SETTINGS)
    work.empty()


# === Data ===


def _checked(
    images: Any,
    masks: Any,
    options: TrainingOptions,
    facts: PresetFacts,
    say: Callable[[str], None],
) -> CheckReport:
    found = check(
        images,
        masks,
        num_classes=facts.num_classes,
        class_names=facts.class_names,
        palette=options.palette,
        bands=options.bands,
        ids=options.ids,
        class_attribute=options.class_attribute,
    )
    say(str(found))
    one = only_class(found, options.class_attribute)
    problems = found.problems + ([] if one is None else [one])
    if problems:
        raise DatasetError(
            "Images and masks are not fit to train on: " + "; ".join(problems)
        )
    if not options.progress:
        for doubt in found.doubts:
            warnings.warn(doubt, SampleWarning, stacklevel=4)
    return found


def _what_is_trained(parts: LabelledParts, options: TrainingOptions) -> str:
    distance = parts.ground_sample_distance
    how = "" if distance is None else f", read at {distance:g} m per pixel"
    return f"\nHeld out: {parts.held_out}, seed {options.seed}{how}."


def _doubt_split(
    parts: LabelledParts, found: CheckReport, facts: PresetFacts
) -> None:
    """Warn if a class that occurs is missing from one part."""
    names = facts.class_names or [
        f"class {index}" for index in range(facts.num_classes)
    ]
    for part, what in (
        (parts.train, "what is trained on, so it cannot be learned"),
        (parts.validation, "what is held out, so it cannot be scored"),
    ):
        missing = [
            names[index]
            for index in sorted(parts.missing_classes(part))
            if found.id_counts[index]
        ]
        if missing:
            warnings.warn(
                f"There is no pixel of {', '.join(missing)} in {what}. Give "
                "another `seed`, a smaller `block_size`, or "
                "`validation_images`",
                SampleWarning,
                stacklevel=4,
            )


def _write_all(
    model: Segmenter,
    output: pathlib.Path,
    report_folder: pathlib.Path,
    epochs: list[dict[str, Any]],
    best_epoch: int,
    parts: LabelledParts,
    options: TrainingOptions,
) -> EvaluationReport:
    """Write preset and report; the report scores the preset's files."""
    model.save_to_preset(output)
    saved, model.preset = model, str(output)
    if options.limit is None or model.dtype_policy.name != "float32":
        # As it will be used: in float32, from its files.
        saved = from_preset(output)
        saved.run_eagerly = runs_eagerly(options)
    report = _score(saved, parts, options)
    report.save(report_folder, overwrite=True)
    # Only now, as it needs matplotlib.
    from keras_rsseg.training.learning_curve import draw_learning_curve

    draw_learning_curve(
        epochs, best_epoch, report_folder / "learning_curve.png"
    )
    return report


def _score(
    model: Segmenter, parts: LabelledParts, options: TrainingOptions
) -> EvaluationReport:
    """Score the held-out part, by tile and blended."""
    size = options.tile_size
    stride = max(1, size * 3 // 4)
    # A trial scores four tiles.
    side = None if options.limit is None else size + stride
    return evaluate(
        model,
        parts.records(parts.validation, side),
        TilingProtocol("training", size, stride),
        batch_size=options.batch_size,
        progress=options.progress,
    )
