"""Train PFNet-R50 on ISPRS Vaihingen with the released recipe.

Tiles of 768 px; scale 0.5 to 2 with crop, mirroring left-right, quarter
turns and blur; 200 epochs of batches of 16, SGD 0.01, polynomial decay.
Scores: each tile alone over six classes with clutter, as in the released
scripts, and whole scenes, with and without 3 px along the boundaries.
The paper scores the test areas, in its Vaihingen table.

Cost: 193 billion multiply-adds per tile forward, three times that in training.

    python -m examples.train_pfnet_vaihingen --manual-dir downloads \
        --encoder resnet50_imagenet --output pfnet_r50_vaihingen

`--limit 2` tries it out: two steps of two tiles of 128 px.
"""

from examples import recipe

RECIPE = recipe.Recipe(
    dataset="vaihingen",
    validation_split="test",
    system="pfnet",
    protocol="isprs_768",
    augmentation="isprs",
    epochs=200,
    batch_size=16,
    learning_rate=0.01,
    eroded=3,
)

if __name__ == "__main__":
    recipe.main(RECIPE, __doc__)
