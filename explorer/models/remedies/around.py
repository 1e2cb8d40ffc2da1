"""A model with a remedy around it: a Classifier like any other.

On the CPU the copies of an image are answered in batches of a fixed size, each on one thread (``each_alone``), and
their draws depend on the seed and the copy's number alone: an answer has the same bits alone and in any batch, with any
number of threads.

Where gradients are asked for, the answer is the logarithm of the copies' mean probability and its gradient goes through
every copy and its draws (expectation over transformation, Athalye et al. 2018, arXiv 1802.00420; for votes as in Salman
et al. 2019, arXiv 1906.04584); a function without a gradient counts as the identity on the way back. So every attack of
this package knows the remedy, its draws included; whether it succeeded is judged by the votes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from explorer.distortions.draws import Draws
from explorer.distortions.threads import each_alone
from explorer.models.classifier import Card, Classifier
from explorer.models.gradients import has_gradients
from explorer.models.naming import read_remedies
from explorer.models.remedies.registry import REMEDIES, SEED, Remedy

MOST, VALUES = 64, 2**20
"""Copies in one batch: at most so many, and at most so many pixel values."""

NO_VOTE = 1e-9
"""Share that a class without votes counts as, so that its logit is finite."""


class Around(nn.Module):
    """The network of a model with a remedy: pixels (N, C, H, W) in [0, 1] to logits (N, K)."""

    def __init__(self, within: Classifier, remedy: Remedy, settings: Mapping[str, float]) -> None:
        super().__init__()
        self.within, self.remedy = within, remedy
        self.settings, self.copies = dict(settings), remedy.copies(settings)
        if not has_gradients(within):
            self.no_gradients = within.net.no_gradients

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(x, features=False)[0]

    def answer(self, x: Tensor, *, features: bool = True) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits, and the mean of the copies' features.

        Args:
            x: Images (N, C, H, W) in [0, 1].
            features: Whether features are wanted.

        Returns:
            Logits (N, K) and activations by layer name.
        """
        if torch.is_grad_enabled() and x.requires_grad:
            return self._with_gradients(x, features=features)
        count, pieces = len(x), self._pieces(x)
        if not count:
            x = x.new_zeros(1, *x.shape[1:])  # for the shapes of no answers
        layout: list[tuple[str, torch.Size]] = []

        def one(i: int, _: Tensor) -> Tensor:
            at, piece = divmod(i, len(pieces))
            image = x[at : at + 1].clone(memory_format=torch.contiguous_format)
            parts = self._ask(image, pieces[piece], features=features)
            layout[:] = [(name, part.shape[1:]) for name, part in parts.items()]
            return torch.cat([part.flatten(1).sum(0, keepdim=True) for part in parts.values()], 1)

        asked = torch.empty(len(x) * len(pieces))
        if x.device.type == "cpu":
            sums = each_alone(one, asked)
        else:
            with torch.no_grad():
                sums = torch.cat([one(i, asked) for i in range(len(asked))])
        means = sums.view(len(x), len(pieces), -1).sum(1).div(self.copies)[:count]
        split = means.split([math.prod(shape) for _, shape in layout], 1)
        found = {name: part.reshape(count, *shape).float() for (name, shape), part in zip(layout, split, strict=True)}
        return self._logits(found.pop("answer")), found

    def votes(self, x: Tensor, draws: Draws) -> Tensor:
        """The votes of copies with draws of their own.

        Args:
            x: One image (1, C, H, W) in [0, 1].
            draws: As many draws as there are copies.

        Returns:
            The class that each copy is given, int64 (draws.count,).
        """
        with torch.no_grad():
            return self.within(self._shown(x.expand(draws.count, -1, -1, -1), draws)).argmax(1)

    def _pieces(self, x: Tensor) -> list[range]:
        step = max(1, min(MOST, VALUES // math.prod(x.shape[1:])))
        return [range(start, min(start + step, self.copies)) for start in range(0, self.copies, step)]

    def _shown(self, x: Tensor, draws: Draws) -> Tensor:
        settings = {key: value for key, value in self.settings.items() if key != SEED}
        if self.remedy.differentiable:
            return self.remedy.function(x, draws, **settings)
        with torch.no_grad():
            shown = self.remedy.function(x.detach(), draws, **settings)
        return shown + (x - x.detach()) if x.requires_grad else shown  # the identity's gradient; adds exactly 0

    def _ask(self, image: Tensor, piece: range, *, features: bool) -> dict[str, Tensor]:
        """What every copy of one image (1, C, H, W) adds to the answer, and its features."""
        copies = self._shown(image.expand(len(piece), -1, -1, -1), self._draws(piece))
        logits, found = self.within.answer(copies) if features else (self.within(copies), {})
        logits = logits.float()
        if self.remedy.answered == "votes":
            logits = nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float()
        elif self.remedy.answered == "mean":
            logits = logits.double().softmax(1)
        return {"answer": logits, **found}

    def _draws(self, piece: range) -> Draws:
        if not self.remedy.random:
            return Draws([0] * len(piece))
        return Draws([_stream(int(self.settings[SEED]), self.remedy.name, copy) for copy in piece])

    def _logits(self, means: Tensor) -> Tensor:
        if self.remedy.answered == "one":
            return means
        least = NO_VOTE if self.remedy.answered == "votes" else torch.finfo(torch.float32).tiny
        return means.clamp_min(least).log()

    def _with_gradients(self, x: Tensor, *, features: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """The same with the mean of the copies' probabilities in place of votes: one graph at a time is kept."""
        from torch.utils.checkpoint import checkpoint

        def ask(x: Tensor, piece: range) -> tuple[Tensor, ...]:
            copies = x.repeat_interleave(len(piece), 0)
            draws = self._draws(piece)
            shown = self._shown(copies, draws.repeated(len(x)))
            logits, found = self.within.answer(shown) if features else (self.within(shown), {})
            logits = logits.float()
            if self.remedy.answered != "one":
                logits = logits.log_softmax(1).view(len(x), len(piece), -1).logsumexp(1)
            names[:] = found
            return logits, *(part.view(len(x), len(piece), *part.shape[1:]).sum(1) for part in found.values())

        names: list[str] = []
        pieces = self._pieces(x)
        parts = [
            ask(x, piece) if len(pieces) == 1 else checkpoint(ask, x, piece, use_reentrant=False) for piece in pieces
        ]
        logits, *found = map(torch.stack, zip(*parts, strict=True))
        answer = logits[0] if self.remedy.answered == "one" else logits.logsumexp(0) - math.log(self.copies)
        return answer, {name: part.sum(0) / self.copies for name, part in zip(names, found, strict=True)}


class RemediedClassifier(Classifier):
    """A model with a remedy around it; made by ``put_around``. Normalisation happens within.

    Attributes:
        net: The network with its remedy.
    """

    net: Around

    @property
    def within(self) -> Classifier:
        """The model that stands within."""
        return self.net.within

    @property
    def device(self) -> torch.device:
        return self.within.device

    def normalise(self, x: Tensor) -> Tensor:
        """Pixels as they are.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            The same images.
        """
        return x

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Mean activations of the copies.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Activations by layer name; the last one is ``penultimate`` (N, D).
        """
        return self.net.answer(x)[1]

    def answer(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits and mean activations of the same copies.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Logits (N, K) and activations by layer name.
        """
        return self.net.answer(x)


def put_around(model: Classifier, tail: str) -> Classifier:
    """Put remedies around a model.

    Args:
        model: The model; it is not changed.
        tail: ``+remedy(setting=value,...)``, once or several times, from the inside out.

    Returns:
        A model that shares its weights; its name says what stands around it.

    Raises:
        ExplorerError: If there is no such remedy or setting.
    """
    for name, given in read_remedies(tail):
        found = REMEDIES.find(name)
        settings = found.check(given)
        around = Around(model, found, settings)
        card = _card(model.card, found, settings)
        warnings = model.warnings
        model = RemediedClassifier(around, card)
        model.training = around.training = False  # those within are left alone
        model.warnings = warnings
    return model


def canonical(tail: str) -> str:
    """What stands around a model, written as its name has it: with all settings.

    Args:
        tail: ``+remedy(setting=value,...)``, once or several times.

    Returns:
        The same with all settings.

    Raises:
        ExplorerError: If there is no such remedy or setting.
    """
    found = [(REMEDIES.find(name), given) for name, given in read_remedies(tail)]
    return "".join(remedy.write(remedy.check(given)) for remedy, given in found)


def _card(card: Card, remedy: Remedy, settings: Mapping[str, float]) -> Card:
    """The card of the model with the remedy: nothing that was measured of it alone holds any longer."""
    told = {"name": remedy.name, "title": remedy.title, "settings": dict(settings), "passes": remedy.copies(settings)}
    return replace(
        card,
        name=card.name + remedy.write(settings),
        mean=(0.0,) * card.channels,
        std=(1.0,) * card.channels,
        results=[],
        reference={},
        masking={},
        remedies=[*card.remedies, told],
    )


def _stream(seed: int, name: str, copy: int) -> int:
    """The generator seed of one copy."""
    return int.from_bytes(hashlib.sha256(f"{seed}:remedy:{name}:{copy}".encode()).digest()[:8], "big")
