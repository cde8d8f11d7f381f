"""Train PFNet-R50 on ISPRS Potsdam with the released recipe.

Tiles of 896 px; scale 0.5 to 2 with crop, mirroring left-right, quarter
turns and blur; 100 epochs (80 in the paper) of batches of 16, SGD 0.01,
polynomial decay. Scores: each tile alone over six classes with clutter, as in
the released scripts, and whole scenes, with and without 3 px along the
boundaries. The paper scores the test areas, in its Potsdam table.

Cost: 262 billion multiply-adds per tile forward, three times that in training;
2,904 tiles per epoch.

    python -m examples.train_pfnet_potsdam --manual-dir downloads \
        --encoder resnet50_imagenet --output pfnet_r50_potsdam

`--limit 2` tries it out: two steps of two tiles of 128 px.
"""

from examples import recipe

RECIPE = recipe.Recipe(
    dataset="potsdam",
    validation_split="test",
    system="pfnet",
    protocol="isprs_896",
    augmentation="isprs",
    epochs=100,
    batch_size=16,
    learning_rate=0.01,
    eroded=3,
)

if __name__ == "__main__":
    recipe.main(RECIPE, __doc__)
