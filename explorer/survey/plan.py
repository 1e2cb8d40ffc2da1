"""The plan of a survey: which models, images and distortions. Plain data, named by the hash of its contents."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from explorer import provenance
from explorer.data.dataset import Dataset, data_fingerprint
from explorer.data.datasets import open_dataset
from explorer.defaults import WORKING_SIDE
from explorer.distortions import DISTORTIONS, Recipe, find_distortion, image_seed
from explorer.distortions.recipe import INPUT, PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.inspection import sample_pictures
from explorer.numbers import count_of

SCHEMA = 1
"""Raised whenever the meaning of a column changes: rows of two schemas are never mixed."""

SHARD_ROWS = 20_000
"""Rows of a shard at least, so that there are not too many files; what a kill may lose."""

SHARD_VALUES = SHARD_ROWS * 3 * 32**2
"""Values of the inputs behind a shard's rows at least: large pictures take longer, and a kill loses no more time."""

SHARD_IMAGES = 1024
"""Images of a shard at most."""

PHOTOGRAPHS = 16
"""Photographs of their own sizes in memory at a time."""

MAX_CONDITIONS = 100_000


@dataclass(frozen=True)
class Condition:
    """One distortion at one amount with one of the survey's seeds.

    Attributes:
        distortion: Name of the distortion.
        amount: Its amount, in the distortion's own unit.
        seed: Base seed; image i is distorted with ``image_seed(seed, i)``.
    """

    distortion: str
    amount: float
    seed: int


@dataclass(frozen=True)
class Plan:
    """Everything on which a survey's rows depend.

    Attributes:
        models: Names of the models, in the order of their rows.
        weights: Fingerprint of each model, as from ``fingerprint``.
        methods: Training method of each model.
        layers: Names of the layers whose feature distances are stored, per model.
        classes: Class names in the order of the labels.
        data: Name of the data set.
        split: Its split, for example ``test``.
        pixels: Fingerprint of the images and labels, as from ``data_fingerprint``.
        rows: Number of images, the first ones of the data set.
        conditions: Every distortion, amount and seed.
        against: Model on which all attacks are crafted; None where each model is attacked on itself, or none is.
        quantised: Whether distorted pixels are rounded to 8 bits.
        precision: ``float32`` or ``bfloat16``.
        batch: Images per forward pass.
        shard: Images per file.
        versions: Versions of the libraries that make the numbers.
        schema: Version of the columns' meaning.
        working_side: Where photographs are distorted at their own size, and each model fits them: the long side in px
            above which a copy of that size is distorted. None where the networks' input is distorted.
    """

    models: tuple[str, ...]
    weights: tuple[str, ...]
    methods: tuple[str, ...]
    layers: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...]
    data: str
    split: str
    pixels: str
    rows: int
    conditions: tuple[Condition, ...]
    against: str | None
    quantised: bool
    precision: str
    batch: int
    shard: int
    versions: dict[str, str]
    schema: int = SCHEMA
    working_side: int | None = None

    @property
    def photographs(self) -> bool:
        """Whether the distortions act on photographs at their own size, not on the networks' input."""
        return self.working_side is not None

    @property
    def key(self) -> str:
        """64 hex digits that name exactly this plan (SHA-256)."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    @property
    def shards(self) -> int:
        """How many files the rows are kept in."""
        return -(-self.rows // self.shard)

    @property
    def answers(self) -> int:
        """How many rows a finished survey has, where every image can be read."""
        return self.rows * len(self.conditions) * len(self.models)

    def images_of(self, shard: int) -> range:
        """The rows of the data set in one shard.

        Args:
            shard: Index of the shard, from 0.

        Returns:
            The range of row indices.
        """
        return range(shard * self.shard, min((shard + 1) * self.shard, self.rows))

    def recipe(self, condition: Condition, image: int, model: str | None = None) -> Recipe:
        """The recipe that makes one distorted image again, bit for bit.

        Args:
            condition: One of the plan's conditions.
            image: Row of the image in the data set.
            model: Name of the model that was shown the image, on which its attack was crafted where each was attacked
                on itself; the first one by default.

        Returns:
            The recipe with which the app opens the case.
        """
        seed = image_seed(condition.seed, image)
        attack = find_distortion(condition.distortion).adversarial
        against = (self.against or model or self.models[0]) if attack else None
        on = PHOTOGRAPH if self.photographs else INPUT
        return Recipe(((condition.distortion, condition.amount),), seed, against, self.quantised, on)

    def crafted_on_each(self, condition: Condition) -> bool:
        """Whether a condition shows every model pixels of its own: an attack that is crafted on each.

        Args:
            condition: One of the plan's conditions.

        Returns:
            True for such an attack.
        """
        return self.against is None and find_distortion(condition.distortion).adversarial

    def to_dict(self) -> dict[str, Any]:
        """The plan as a JSON object.

        Returns:
            Plain lists, numbers and strings; ``from_dict`` reads it back.
        """
        plain = asdict(self)
        if self.working_side is None:
            del plain["working_side"]  # as plans were before photographs, so that they keep their key
        return plain

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Plan:
        """Read a plan from its JSON object.

        Args:
            raw: What ``to_dict`` returned.

        Returns:
            The plan.

        Raises:
            ExplorerError: If another version wrote it or if it is damaged.
        """
        try:
            if raw["schema"] != SCHEMA:
                raise ExplorerError("This survey was written by another version of the explorer; run it again.")
            lists = {key: tuple(raw[key]) for key in ("models", "weights", "methods", "classes")}
            layers = tuple(map(tuple, raw["layers"]))
            conditions = tuple(Condition(**one) for one in raw["conditions"])
            return cls(**{**raw, **lists, "layers": layers, "conditions": conditions})
        except (KeyError, TypeError) as error:
            raise ExplorerError("The survey's plan.json is damaged; run the survey into another folder.") from error


def make_plan(
    models: Sequence[Classifier],
    data: Dataset,
    distortions: Sequence[str],
    *,
    amounts: Sequence[float] | None = None,
    seeds: Sequence[int] = (0,),
    against: str | None = None,
    quantised: bool = True,
    limit: int | None = None,
    precision: str = "float32",
    on: str = INPUT,
) -> Plan:
    """Plan a survey of several models on one data set.

    Args:
        models: Models that know the data set's classes; those of another input size than the first are shown the first
            one's input, resized.
        data: The images: a ``Dataset``, or what ``load_dataset`` takes; also a folder of images without classes, on
            which a model fails where its answer is not its answer to the clean image.
        distortions: Names, or names with amounts such as ``gaussian_noise=0.05:0.1``.
        amounts: Amounts for distortions given without their own. By default the published severities 1 to 5, or five
            even steps over the slider's range where nothing is published.
        seeds: Base seeds; random distortions are drawn once with each.
        against: Name of the model on which all attacks are crafted, so that the others see a transferred one; by
            default each model is attacked on itself.
        quantised: Whether distorted pixels are rounded to 8 bits.
        limit: Number of images, the first ones of the data set, which of a folder are a stratified sample; all by
            default.
        precision: ``float32`` or ``bfloat16``.
        on: What is distorted: the networks' ``input``, or the ``photograph`` at its own size, which each model then
            fits by its own transform.

    Returns:
        The plan.

    Raises:
        ExplorerError: If a class of the data is not among the models', if a distortion is unknown or an amount is out
            of range, if there are no images or no distortions, if an attack is to act on photographs, and for the
            reasons named in ``explorer.compare``.
    """
    photographs = Recipe(on=on).on == PHOTOGRAPH
    asked, models = inputs.check_together(models, photographs=photographs), tuple(models)
    first = models[0]
    data = images_of(data, models)
    if any(len(model.classes) != len(first.classes) for model in models):
        raise ExplorerError(f"The models know different numbers of classes; survey those that know {data.name}'s.")
    rows = len(data) if limit is None else min(count_of(limit, "limit"), len(data))
    if rows == 0:
        raise ExplorerError(f"{data.name} holds no images to survey.")
    if precision not in {"float32", "bfloat16"}:
        raise ExplorerError(f"precision is {precision!r}; it must be float32 or bfloat16.")
    conditions = tuple(_conditions(distortions, amounts, seeds, first.size, on))
    names = tuple(model.name for model in models)
    attacked = any(find_distortion(one.distortion).adversarial for one in conditions)
    if attacked and against is not None and against not in names:
        raise ExplorerError(f"Attacks go against {against!r}, which is not one of the models; name one of {names}.")
    if attacked and (other := next((one for one in asked if one.any_size and against in {None, one.name}), None)):
        raise ExplorerError(
            f"{other.name} is shown the input of {first.name} and cannot be attacked; attack all on {first.name} "
            "(against), or survey models of one input size."
        )
    shape = (first.channels, first.size, first.size)
    batch = inputs.batch_size(shape, first.device)
    batch = min(batch, PHOTOGRAPHS) if photographs else batch
    wanted = min(SHARD_ROWS, SHARD_VALUES // math.prod(shape))
    batches = max(1, min(SHARD_IMAGES // batch, -(-wanted // (batch * len(conditions) * len(models)))))
    return Plan(
        models=names,
        weights=tuple(map(fingerprint, models)),
        methods=tuple(model.method for model in models),
        layers=tuple(tuple(inputs.answer(model, torch.zeros(1, *shape))[1]) for model in asked),
        classes=tuple(data.classes),
        data=data.name,
        split=data.split,
        pixels=data_fingerprint(data, rows),
        rows=rows,
        conditions=conditions,
        against=against if attacked else None,
        quantised=quantised,
        precision=precision,
        batch=batch,
        shard=batch * batches,
        versions=versions(),
        working_side=WORKING_SIDE if photographs else None,
    )


def images_of(data: Any, models: Sequence[Classifier]) -> Dataset:
    """The images of a survey with the classes of its models.

    Args:
        data: As in ``make_plan``.
        models: The models.

    Returns:
        The data set: its labels counting in the first model's classes, or -1 where it has no classes.

    Raises:
        ExplorerError: As ``labelled``; without classes, if two models know different ones.
    """
    opened = data if isinstance(data, Dataset) else open_dataset(data)
    if opened.classes:
        return inputs.labelled(opened, models)
    first = models[0]
    if (other := next((model for model in models if model.classes != first.classes), None)) is not None:
        raise ExplorerError(
            f"{opened.name} has no classes, and {first.name} and {other.name} know different ones; survey them apart."
        )
    return replace(opened, classes=first.classes)


def versions() -> dict[str, str]:
    """Versions of the libraries that make a survey's numbers.

    Returns:
        Version by library name.
    """
    return provenance.versions("explorer", "torch", "pillow")


def fingerprint(model: Classifier) -> str:
    """Hash a model's weights and everything else that shapes its answers.

    Args:
        model: The model.

    Returns:
        64 hex digits (SHA-256).
    """
    card = model.card
    told = (card.arch, card.mean, card.std, model.classes, *filter(None, (card.transform, card.remedies)))
    made = hashlib.sha256(repr(told).encode())
    state = model.net.state_dict() or {"answers": model(sample_pictures(model.size, model.channels).to(model.device))}
    for name, value in sorted(state.items()):
        for part in _parts(value):
            made.update(f"{name}{tuple(part.shape)}{part.dtype}".encode())
            made.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return made.hexdigest()


def _parts(value: Any) -> list[Tensor]:
    """The tensors in a weight; quantised layers keep several in one."""
    if isinstance(value, Tensor):
        return [value.dequantize() if value.is_quantized else value]
    return [part for one in value for part in _parts(one)] if isinstance(value, list | tuple) else []


def _conditions(
    distortions: Sequence[str], amounts: Sequence[float] | None, seeds: Sequence[int], side: int, on: str
) -> list[Condition]:
    if not distortions:
        raise ExplorerError(f"No distortion is named; there are {', '.join(DISTORTIONS)}.")
    seeds = [Recipe((), seed).seed for seed in seeds]
    if not seeds or len(set(seeds)) != len(seeds):
        raise ExplorerError("The seeds must be different whole numbers, at least one.")
    found = []
    for text in distortions:
        name, equals, listed = text.partition("=")
        distortion = find_distortion(name.strip())
        if equals:
            chosen = [Recipe.parse(f"{distortion.name}={part}").steps[0][1] for part in listed.split(":")]
        elif amounts is not None:
            chosen = [distortion.check(amount) for amount in amounts]
        else:
            chosen = list(distortion.amounts_at(side))
        Recipe(((distortion.name, chosen[0]),), on=on)  # refuses an attack on photographs
        for seed in seeds if distortion.random else seeds[:1]:
            found += [Condition(distortion.name, amount, seed) for amount in chosen]
    found = list(dict.fromkeys(found))
    if not 1 <= len(found) <= MAX_CONDITIONS:
        raise ExplorerError(f"The survey asks for {len(found):,} conditions; {MAX_CONDITIONS:,} at most.")
    return found
