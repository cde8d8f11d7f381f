"""The keyword arguments that a model hands on to Keras."""


def check_model_keywords(model, kwargs, accepted=("name", "trainable")):
    """Refuse keyword arguments that nobody knows.

    Keras takes any for a functional model, so that a misspelt argument would
    give a network with the default.

    Args:
        model: the model, for its class' name.
        kwargs: dict, what was left of the keyword arguments.
        accepted: names that Keras understands.

    Raises:
        TypeError: for any other name.
    """
    unknown = sorted(set(kwargs) - set(accepted))
    if unknown:
        raise TypeError(f"`{type(model).__name__}` has no arguments {unknown}.")
