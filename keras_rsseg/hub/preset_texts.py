"""What many entries of the registry say alike."""

import statistics

from keras_rsseg.class_legends import DUBAI

RELEASED = {
    "licence": "none stated with the released code and its checkpoints",
    "weights_source": (
        "Checkpoint of the PointFlow paper's authors (PFSegNets), converted "
        "without a change of its numbers."
    ),
    "intended_use": (
        "Repeating the paper's figures, and a start for training on similar "
        "imagery."
    ),
    "limits": (
        "Trained on imagery of one data set, whose terms may bind users, too "
        "(iSAID, ISPRS: research). Nobody has stated a licence of these "
        "weights: ask their authors before you pass them on."
    ),
}
TRAINED_BY_PAPER = {
    "licence": "to be stated by who trains it",
    "weights_source": "none released; to be trained",
}
PROTOCOLS = {
    "isaid": (
        "`isaid`: tiles of 896 px every 512; the official training and "
        "validation images."
    ),
    "isprs_768": (
        "`isprs_768`: tiles of 768 px every 512 (the paper states no "
        "stride); the paper's split is in its supplement."
    ),
    "isprs_896": (
        "`isprs_896`: tiles of 896 px every 512 (the paper states no "
        "stride); the paper's split is in its supplement."
    ),
    "ifwm_vaihingen": (
        "`ifwm`: tiles of 512 px every 400; areas 11, 15, 28, 30 and 34 test."
    ),
    "ifwm_whu": (
        "`ifwm`: tiles of 512 px every 400; the official training, "
        "validation and test tiles."
    ),
}


def convert_command(script, name):
    """Return the command that converts a released checkpoint."""
    return (
        f"python -m weights.convert --variant {name} --checkpoint "
        f"CHECKPOINT.pth --output {name}"
    )


def train_command(script, name):
    """Return the command that trains by a paper's recipe."""
    return f"python -m examples.{script} --manual-dir FOLDER --output {name}"


def dubai_facts(
    name, system, network, encoder, ious, steps=1000, tile_size=384, others=""
):
    """Return what presets trained on the scenes of Dubai share.

    Args:
        name: string, of the preset.
        system: string, `--system` of `examples.train_dubai`.
        network: string, what it is.
        encoder: string, the preset it starts from.
        ious: tuple, the IoU of each class, measured on the published weights.
        steps: int, `--steps` of the training.
        tile_size: int, `--tile-size` of it, pixels.
        others: string, further options of it, each with a space before it.

    Returns:
        dict of facts, see `keras_rsseg.hub.registry.register_presets`.
    """
    script = "python -m examples.train_dubai ../shared/data/dubai"
    command = (
        f"{script} --system {system} --encoder {encoder} --steps {steps} "
        f"--tile-size {tile_size} --precision mixed_bfloat16{others} "
        f"--output {name}"
    )
    return {
        "handle": f"hf://keras-rsseg/{name}",
        "description": (
            f"{network}, 5 land-cover classes, RGB at about 0.8 m, trained "
            "on six aerial scenes of Dubai."
        ),
        "dataset": "dubai",
        "protocol": (
            "Parts 1, 2, 4, 5, 7 and 8 of every scene train, parts 3, 6 and "
            f"9 validate; random crops of {tile_size} px."
        ),
        "licence": "Apache-2.0",
        "weights_source": (
            f"Encoder {encoder} of `python -m weights.convert`, fine-tuned "
            "with `python -m examples.train_dubai`."
        ),
        "training": command,
        "score": {
            "mean_iou": round(statistics.fmean(ious), 3),
            "classes": dict(zip(DUBAI["class_names"], ious, strict=True)),
            "data": (
                "validation parts of Dubai, each pixel counted once, void "
                "left out"
            ),
            "by": "keras_rsseg",
            "command": f"{script} --score {name}",
        },
        "how_to_get": {"train": command},
    }
