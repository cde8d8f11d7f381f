"""The training script runs as its docstring says, from files to a preset."""

import pytest

import keras_rsseg
from examples import train_dubai

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)


def test_trains_scores_and_writes_a_preset(scenes, encoder, tmp_path, capsys):
    output = tmp_path / "preset"
    train_dubai.main(
        f"{scenes} --system semantic_fpn --encoder {encoder} --output {output} "
        "--steps 2 --batch-size 2 --tile-size 32".split()
    )
    printed = capsys.readouterr().out
    assert "validation mean IoU 0." in printed
    for name in train_dubai.PALETTE.names:
        assert name in printed
    train_dubai.main([str(scenes), "--score", str(output)])
    assert capsys.readouterr().out == printed[printed.index("validation") :]
    with pytest.raises(SystemExit):
        train_dubai.main([str(scenes), "--output", str(output)])
    assert "--encoder" in capsys.readouterr().err
    model = keras_rsseg.SemanticFPN.from_preset(output)
    assert model.class_names == train_dubai.PALETTE.names
    assert model.palette == list(map(tuple, train_dubai.PALETTE.colors))
    assert model.ground_sample_distance == pytest.approx(0.8)


def test_every_part_is_either_trained_on_or_validated(scenes):
    training = train_dubai.files(scenes, train_dubai.TRAINING_PARTS)
    validation = train_dubai.files(scenes, train_dubai.VALIDATION_PARTS)
    assert len(training[0]) == 36 and len(validation[0]) == 18
    assert not set(training[0]) & set(validation[0])
    assert all(
        path.exists()
        for pair in (training, validation)
        for path in [*pair[0], *pair[1]]
    )
