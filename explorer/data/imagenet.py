"""The names of ImageNet's 1,000 classes, and their WordNet ids, from the files of installed libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from explorer.errors import ExplorerError


def package_folder(package: str) -> Path:
    """The folder of an installed package, which is not imported: that may take seconds.

    Args:
        package: Its name.

    Returns:
        The folder.

    Raises:
        ExplorerError: If it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ExplorerError(f"{name} is not installed: pip install {name}.")
    return Path(spec.origin).parent


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1,000 classes as torchvision writes them.

    Returns:
        The names in the order of the labels; none occurs twice.
    """
    names = package_folder("torchvision") / "models" / "_meta.py"
    if names.is_file():  # the file alone, for importing torchvision takes seconds
        return tuple(run_path(str(names))["_IMAGENET_CATEGORIES"])
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


@cache
def imagenet_synsets() -> tuple[str, ...]:
    """The WordNet ids of the 1,000 classes, as folders of ImageNet and of its parts are called.

    Returns:
        Ids such as ``n01440764``, in the order of the labels.
    """
    path = package_folder("timm") / "data" / "_info" / "imagenet_synsets.txt"
    return tuple(path.read_text(encoding="utf-8").split())


def one_name_each(names: Sequence[str]) -> tuple[str, ...]:
    """Tell classes of the same name apart by their numbers.

    Args:
        names: Names, some of them perhaps twice.

    Returns:
        Names of which none occurs twice.
    """
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({i})" for i, name in enumerate(names))
