"""Train HRNetV2-W18 with IFWM on the WHU aerial buildings.

4,736 training and 1,036 validation tiles of 512 px; rotation; the learning
rate is multiplied by 0.9 per epoch. Chosen here, as the paper does not state
it: SGD 0.01, batches of 8, 40 epochs. Score: mean IoU of building and
background; the paper's is in its comparison table for WHU.

Cost: 18.4 billion multiply-adds per tile forward, not counting the flows,
three times that in training.

    python -m examples.train_hrnet_ifwm_whu --manual-dir downloads \
        --encoder hrnet_w18_imagenet --output hrnet_ifwm_w18_whu_building

`--limit 2` tries it out: two steps of two tiles of 128 px.
"""

from examples import recipe

RECIPE = recipe.Recipe(
    dataset="whu_building",
    validation_split="validation",
    system="hrnet_ifwm",
    protocol="ifwm",
    augmentation="ifwm",
    epochs=40,
    batch_size=8,
    learning_rate=0.01,
    schedule="exponential",
)

if __name__ == "__main__":
    recipe.main(RECIPE, __doc__)
