"""Train PFNet-R50 on iSAID with the released recipe.

Tiles of 896 px, stride 512; flips, quarter turns and blur; 16 epochs of
batches of 16, SGD 0.007, polynomial decay; OHEM cross-entropy and 25 times
the boundary loss. Score: mean IoU over 16 classes with the background, each
tile alone (`patch`); the paper states 66.9 for ResNet-50.

Cost: 262 billion multiply-adds per tile forward, three times that in training.

    python -m examples.train_pfnet_isaid --manual-dir downloads \
        --encoder resnet50_imagenet --output pfnet_r50_isaid

`--limit 2` tries it out: two steps of two tiles of 128 px.
"""

from examples import recipe

RECIPE = recipe.Recipe(
    dataset="isaid",
    validation_split="validation",
    system="pfnet",
    protocol="isaid",
    augmentation="isaid",
    epochs=16,
    batch_size=16,
    learning_rate=0.007,
)

if __name__ == "__main__":
    recipe.main(RECIPE, __doc__)
