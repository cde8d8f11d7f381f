"""Train HRNetV2-W18 with IFWM on Vaihingen, with the IFWM paper's split.

Test areas 11, 15, 28, 30, 34 of the 16 labelled ones; tiles of 512 px,
stride 400, with rotation; the learning rate is multiplied by 0.9 per epoch.
Chosen here, as the paper does not state it: SGD 0.01, batches of 8, 40
epochs. Scores: each tile alone and whole scenes, the means without clutter.
The paper's are in its comparison table for Vaihingen.

Cost: 18.4 billion multiply-adds per tile forward, not counting the flows,
three times that in training.

    python -m examples.train_hrnet_ifwm_vaihingen --manual-dir downloads \
        --encoder hrnet_w18_imagenet --output hrnet_ifwm_w18_vaihingen

`--limit 2` tries it out: two steps of two tiles of 128 px.
"""

from examples import recipe

RECIPE = recipe.Recipe(
    dataset="vaihingen/ifwm",
    validation_split="test",
    system="hrnet_ifwm",
    protocol="ifwm",
    augmentation="ifwm",
    epochs=40,
    batch_size=8,
    learning_rate=0.01,
    schedule="exponential",
    left_out=("clutter",),
    eroded=3,
)

if __name__ == "__main__":
    recipe.main(RECIPE, __doc__)
