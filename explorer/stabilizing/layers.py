"""Which weights of a network are trained, whoever wrote the network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.gradients import check_gradients
from explorer.models.inspection import sample_pictures, tensor_of
from explorer.models.views import bare

LAST = 0.25
"""Share of the layers with weights, from the end, that ``last`` trains."""


def student_of(model: Classifier) -> Classifier:
    """A copy of a model to train: in eval mode, so that statistics of BatchNorm stay and nothing is dropped out.

    Args:
        model: The model, which is left alone.

    Returns:
        The copy; none of its weights asks for a gradient.

    Raises:
        ExplorerError: If the network has no floating-point weights, or gives no gradient.
    """
    model = bare(model)
    if model.card.remedies:
        raise ExplorerError(f"{model.name} cannot be trained; train {model.card.base}, and put the remedy around it.")
    check_gradients(model, "trained")
    try:
        student = copy.deepcopy(model)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ExplorerError(f"{model.name} cannot be copied, and so not trained: {error}.") from error
    student.net.eval()
    if not any(p.is_floating_point() for p in student.net.parameters()):
        raise ExplorerError(f"{model.name} has no floating-point weights to train; give the network before quantising.")
    student.net.requires_grad_(requires_grad=True)
    with torch.enable_grad():
        out = student(sample_pictures(model.size, model.channels).to(model.device))
    if not out.requires_grad:
        raise ExplorerError(f"{model.name} gives no gradient with respect to its weights, so it cannot be trained.")
    student.net.requires_grad_(requires_grad=False)
    return student


def choose(student: Classifier, layers: str, *, features: bool = False) -> dict[str, nn.Parameter]:
    """Ask for the gradient of the weights to train.

    Args:
        student: A copy from ``student_of``.
        layers: ``head``, ``last`` or ``all``; see ``Settings``.
        features: Whether the features are trained, so that what comes after them is left alone.

    Returns:
        These weights by name.

    Raises:
        ExplorerError: If the network does not end in a linear layer and ``head`` is asked for.
    """
    net = student.net
    if layers == "all" and not features:
        chosen = set(dict(net.named_modules()))
    elif layers == "head" and not features:
        chosen = {head_of(student)[0]}
    else:
        order = _below(student) if features else _in_order(student)
        last = order[-max(2, round(LAST * len(order))) :] if layers == "last" else order
        chosen = set(_top(net, order) if layers == "head" else last)
    found = {}
    for path, module in net.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if path in chosen and parameter.is_floating_point():
                found[f"{path}.{name}" if path else name] = parameter.requires_grad_(requires_grad=True)
    return found


def _below(student: Classifier) -> list[str]:
    """The paths of the modules with weights whose work the features are: all but the last linear or convolution."""
    order = _in_order(student)
    last = max((i for i, path in enumerate(order) if _weighed(student.net, path)), default=len(order))
    if not any(_weighed(student.net, path) for path in order[:last]):
        raise ExplorerError(f"{student.name} has no layer below its answers whose features could be trained.")
    return order[:last]


def _top(net: nn.Module, order: list[str]) -> list[str]:
    """The last linear layer or convolution, and what normalises it."""
    return order[max(i for i, path in enumerate(order) if _weighed(net, path)) :]


def _weighed(net: nn.Module, path: str) -> bool:
    return isinstance(net.get_submodule(path), nn.Linear | nn.Conv1d | nn.Conv2d)


def head_of(student: Classifier) -> tuple[str, nn.Linear]:
    """The linear layer whose output is the network's answer.

    Args:
        student: The model.

    Returns:
        Its path and the layer.

    Raises:
        ExplorerError: If there is none.
    """
    answers: dict[str, Tensor] = {}
    linear = {path: module for path, module in student.net.named_modules() if isinstance(module, nn.Linear)}

    def keep(path: str, out: Tensor) -> None:
        answers[path] = out

    with ExitStack() as hooks, torch.no_grad():
        for path, module in linear.items():
            hooks.callback(module.register_forward_hook(lambda _, __, out, path=path: keep(path, out)).remove)
        x = sample_pictures(student.size, student.channels).to(student.device)
        whole = tensor_of(student.net(student.normalise(x)))
    for path, out in reversed(answers.items()):
        if out.shape == whole.shape and torch.equal(out, whole):
            return path, linear[path]
    raise ExplorerError(
        f"{student.name} does not end in a linear layer, so there is no head to train alone; choose last or all layers."
    )


@contextmanager
def head_inputs(student: Classifier) -> Iterator[list[Tensor]]:
    """Collect what the head is given while the model runs.

    Args:
        student: The model.

    Yields:
        A list to which every forward pass appends the head's input (N, D).
    """
    seen: list[Tensor] = []
    handle = head_of(student)[1].register_forward_hook(lambda _, given, __: seen.append(given[0].detach()))
    try:
        yield seen
    finally:
        handle.remove()


def _in_order(student: Classifier) -> list[str]:
    """The paths of the modules that hold weights themselves, in the order in which they run first."""
    order: dict[str, None] = {}
    with ExitStack() as hooks, torch.no_grad():
        for path, module in student.net.named_modules():
            if next(module.parameters(recurse=False), None) is not None:
                hooks.callback(
                    module.register_forward_hook(lambda _, __, ___, path=path: order.setdefault(path)).remove
                )
        student(sample_pictures(student.size, student.channels).to(student.device))
    return list(order)
