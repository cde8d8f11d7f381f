"""A model's faster twin, made once for many scenes."""

import threading
import weakref

_MADE = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def fast_model(model, identity):
    """Return what a model recommends for inference, or the model.

    Args:
        model: a task or another object with `for_inference()`, which returns
            a model; of anything else there is no faster one.
        identity: what `model_identity` says of it now. A task that was
            trained meanwhile has another one, and gets a new twin.
    """
    if not hasattr(model, "for_inference"):
        return model
    with _LOCK:
        made_for, twin = _MADE.get(model, (None, None))
        if made_for != identity:
            twin = model.for_inference()
            _MADE[model] = identity, twin
        return twin
