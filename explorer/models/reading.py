"""Reading models: names and paths, loaded models, and any ``torch.nn.Module``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from explorer import defaults
from explorer.errors import ExplorerError
from explorer.models.checkpoints import checkpoint_folder, list_models, load_model
from explorer.models.classifier import Classifier
from explorer.models.external import ExternalClassifier, check_module, unwrapped, wrap
from explorer.models.functions import is_function
from explorer.models.naming import split_remedies
from explorer.models.remedies import put_around
from explorer.models.sources import takes_path

ModelLike = str | Path | nn.Module
"""A shipped model's name, the path of a checkpoint, a ``Classifier``, or any network that gives logits (N, K)."""

ModelsLike = ModelLike | Sequence[ModelLike] | Mapping[str, ModelLike]
"""One model, several, or several by the names they are to have."""

Opened = Classifier | tuple[str, nn.Module]
"""A loaded model, or a user's network with its name."""

_loaded: dict[tuple[str, str], Classifier] = {}


def read_models(
    models: ModelsLike | None, *, size: int | None = None, channels: int | None = None
) -> tuple[Classifier, ...]:
    """Load the named models; wrap networks.

    Args:
        models: A name, a path, a network, or several of these; None for the first models that there are.
        size: Side in px of the images to come, for networks that take more than one; found where it can be.
        channels: Their channels, likewise.

    Returns:
        The models in their order.

    Raises:
        ExplorerError: Where one cannot be loaded or is not a network, and where there is none.
    """
    return wrap_opened(open_models(models), size, channels)


def open_models(models: ModelsLike | None) -> list[Opened]:
    """Open the named models; networks are wrapped later, when the size of the images is known.

    Args:
        models: A name, a path, a ``Classifier``, any ``torch.nn.Module``, a list or a dict of them; None for the
            default models.

    Returns:
        Loaded models, and networks with their names.

    Raises:
        ExplorerError: If there is no such model, or if the list is empty.
    """
    if models is None:
        models = first_models()
    if isinstance(models, Mapping):
        if any(isinstance(value, Tensor) for value in models.values()):
            check_module(models)  # says that it is a state dict
        return [_called(name, _open(model)) for name, model in models.items()]
    given = [models] if isinstance(models, str | Path | nn.Module) or not isinstance(models, Sequence) else models
    if not given:
        raise ExplorerError(f"Name at least one model, for example '{defaults.MODELS[0]}'.")
    opened, seen = list[Opened](), dict[str, int]()
    for model in distinct_names([_open(model) for model in given], given):
        if not isinstance(model, Classifier):  # called by its class; a second one of a class is "Net 2"
            type_name = type(unwrapped(model)).__name__
            seen[type_name] = seen.get(type_name, 0) + 1
            opened.append(_called(type_name if seen[type_name] == 1 else f"{type_name} {seen[type_name]}", model))
        else:
            opened.append(model)
    return opened


def wrap_opened(opened: Sequence[Opened], size: int | None, channels: int | None) -> tuple[Classifier, ...]:
    """Wrap the networks among opened models.

    Args:
        opened: What ``open_models`` returned.
        size: Side of the images in px; None to find out from the network.
        channels: Channels of the images; None to find out from the network.

    Returns:
        The models in the same order; a network with as many classes as the first loaded model takes over its class
        names.
    """
    known = (model for model in opened if isinstance(model, Classifier) and not _own(model))
    like = next(known, None)
    return tuple(
        model
        if isinstance(model, Classifier)
        else wrap(model[1], name=model[0], size=size, channels=channels, like=like)
        for model in opened
    )


def _own(model: Classifier) -> bool:
    """Whether it is a wrapped network of the user's own, of which only what was given with it is known."""
    return isinstance(model, ExternalClassifier) and model.card.external


def first_models() -> list[str]:
    """The names of the models shown by default.

    Returns:
        ``defaults.MODELS`` if they are installed, else the first two checkpoints.

    Raises:
        ExplorerError: If there are no checkpoints.
    """
    from explorer.models.families import group

    cards = list_models()
    if not cards:
        raise ExplorerError("There are no checkpoints here; give models of your own: models=[model].")
    here = {card.name for card in cards}
    return list(defaults.MODELS) if here.issuperset(defaults.MODELS) else next(iter(group(cards).values())).defaults


def distinct_names(models: Sequence[nn.Module], given: Sequence[ModelLike]) -> list[nn.Module]:
    """Tell files of one name apart by their folders: ``a/best.pth`` and ``b/best.pth`` are "a/best" and "b/best".

    Args:
        models: Loaded models and networks.
        given: How each was named.

    Returns:
        The models, with other names where files of different folders had the same one.
    """
    found = list(models)
    files: dict[str, dict[int, tuple[str, ...]]] = {}  # name: index: parts of the path, from its end
    for i, (model, name) in enumerate(zip(models, given, strict=True)):
        if isinstance(model, Classifier) and isinstance(name, str | Path) and takes_path(str(name)):
            path = Path(split_remedies(str(name))[0]).resolve().with_suffix("")
            files.setdefault(model.name, {})[i] = path.parts[::-1]
    for same in files.values():
        endings = list(same.values())
        if len(endings) == 1 or len(set(endings)) < len(endings):
            continue  # one file, or a file that was given twice: that is refused later
        length = next(n for n in range(1, 1 + max(map(len, endings))) if len({e[:n] for e in endings}) == len(endings))
        for i, ending in same.items():
            around = split_remedies(str(given[i]))[1]
            found[i] = renamed(cast("Classifier", found[i]), "/".join(ending[:length][::-1]) + around)
    return found


def load_named(name: str | Path) -> Classifier:
    """Load a model, keeping shipped ones in memory.

    Args:
        name: Its name; files and functions are read again each time because they may change.

    Returns:
        The model.
    """
    base, around = split_remedies(str(name))
    if around:
        return put_around(load_named(base), around)
    key = (str(checkpoint_folder()), str(name))
    if key not in _loaded:
        loaded = load_model(name)
        if takes_path(str(name)) or is_function(str(name)) or "@" in str(name):
            return loaded
        _loaded[key] = loaded
    return _loaded[key]


def class_notes(models: Sequence[Classifier]) -> list[str]:
    """Describe how the classes of several models differ.

    Args:
        models: The models; the others are compared with the first.

    Returns:
        One sentence per model whose classes differ.
    """
    first, messages = models[0], []
    for model in models[1:]:
        ours, theirs = first.classes, model.classes
        if len(ours) != len(theirs):
            messages.append(
                f"{first.name} answers with {len(ours)} classes and {model.name} with {len(theirs)}: whether each one "
                "changes its answer can be compared, but not the answers themselves."
            )
        elif ours != theirs and sorted(ours) == sorted(theirs):
            messages.append(
                f"{first.name} and {model.name} know the same classes in a different order: compare them by name."
            )
        elif ours != theirs:
            mine, other = next((a, b) for a, b in zip(ours, theirs, strict=True) if a != b)
            messages.append(
                f"{first.name} and {model.name} name different classes ({mine!r} here, {other!r} there): whether each "
                "one changes its answer can be compared, but not the answers themselves."
            )
    return messages


def _open(model: ModelLike) -> nn.Module:
    if isinstance(model, str | Path):
        return load_named(model)
    if not isinstance(model, Classifier):
        check_module(model)
    return model


def _called(name: str, model: nn.Module) -> Opened:
    """The model under that name; a loaded one is copied without its weights, not changed."""
    if not isinstance(model, Classifier):
        return name, model
    return model if model.name == name else renamed(model, name)


def renamed(model: Classifier, name: str) -> Classifier:
    """The same model under another name.

    Args:
        model: The model, which is not changed.
        name: The name.

    Returns:
        A model that shares its weights.
    """
    other = copy.copy(model)
    other.card = replace(model.card, name=name)
    return other
