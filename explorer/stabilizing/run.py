"""``explorer.stabilize``: train a copy of a network to keep its answers, choose how far to go, and report honestly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explorer.distortions.ranges import AmountRange, parse_ranges
from explorer.errors import ExplorerError
from explorer.models.checkpoints import pick_device
from explorer.models.classifier import Classifier
from explorer.models.reading import open_models, wrap_opened
from explorer.models.views import bare
from explorer.progress import Meter
from explorer.provenance import hardware
from explorer.stabilizing import ranks
from explorer.stabilizing.cards import stabilized_card
from explorer.stabilizing.checks import PASSES, Score, Watched
from explorer.stabilizing.cost import Cost, estimate
from explorer.stabilizing.layers import choose, student_of
from explorer.stabilizing.loop import Point, State, steps_of, train
from explorer.stabilizing.measure import measure
from explorer.stabilizing.proposal import propose
from explorer.stabilizing.rate import safe_rate
from explorer.stabilizing.reading import Parts, read_parts
from explorer.stabilizing.report import StabilizationReport, make_report
from explorer.stabilizing.settings import BLENDS, STEPS, Settings
from explorer.stabilizing.tasks import VERSIONS, OfFeatures, OfPictures, Task, rows_of
from explorer.training.drawing import epoch_seed
from explorer.training.trainer import uses_bf16

AUTO = "auto"
"""In place of what pictures go through: what hurts them most is found out."""

HEAD_PASSES = 40
"""Passes over the stored features where the head alone is trained and no steps are given."""


@dataclass(frozen=True)
class Live:
    """What is going on, for those who wait.

    Attributes:
        stage: ``proposal``, ``features``, ``rate``, ``training``, ``choice``, ``control`` or ``report``.
        done: Units of work done in this stage.
        total: Units of work of this stage.
        seconds_left: Estimated time to the end of this stage.
        curve: The curves so far, of the training that runs.
    """

    stage: str
    done: int
    total: int
    seconds_left: float
    curve: tuple[Point, ...] = ()


Watch = Callable[[Live], None]


@dataclass(frozen=True, eq=False)
class Stabilized:
    """A network that was stabilized, and what that bought and cost.

    Attributes:
        model: The model; ``model.net`` is the network, whose ``state_dict()`` loads into the code it came from.
        report: What was measured on pictures that were held out.
    """

    model: Classifier
    report: StabilizationReport

    def save(self, folder: str | Path) -> Path:
        """Write the weights, the card, the report and a script that repeats it in plain PyTorch.

        Args:
            folder: Where to; made if it does not exist.

        Returns:
            The file of weights.
        """
        from explorer.stabilizing.saving import save

        return save(self.model, self.report, Path(folder))


def stabilize(
    net: str | Path | Classifier | nn.Module,
    pictures: Any,
    *,
    under: str | Sequence[AmountRange],
    test: Any = None,
    method: str = "stability",
    layers: str = "all",
    labels: bool = False,
    steps: int | None = None,
    minutes: float | None = None,
    batch_size: int = 24,
    lr: float | None = None,
    alpha: float = 1.0,
    keep: float = 0.99,
    features: bool = False,
    seed: int = 0,
    control: bool = True,
    name: str | None = None,
    device: str | torch.device = "auto",
    precision: str = "auto",
    state: str | Path | None = None,
    ready: Callable[[Cost], None] | None = None,
    watch: Watch | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Stabilized:
    """Make a network keep its answers under what its pictures go through; labels are not needed.

    A copy of the network is trained with stability training (Zheng et al. 2016, arXiv 1604.04326). Without labels the
    network before training is the teacher: see ``explorer.stabilizing.objective``. Statistics of BatchNorm stay as they
    are. Then the farthest point on the way from the old weights to the new ones is taken at which ``keep`` of the clean
    answers stay as they were, on pictures that are held out. A second part of the pictures, on which nothing is
    chosen, is what the report is about.

    Args:
        net: The model: its name, its path, a ``Classifier`` or any network that ``explorer.wrap`` takes.
        pictures: A folder, a data set, or a list of pictures; ten or more.
        under: What they go through, such as ``gaussian_noise=0:0.2,jpeg=10:60,thumbnail=64:160``; ``auto`` for
            the three distortions that change most answers on these pictures.
        test: Pictures to report on; by default a part of the others, held out.
        method: ``stability``; ``mix``, which draws x' from distortions of every family; or ``gaussian`` or
            ``lipschitz`` as in training.
        layers: ``head``, ``last`` or ``all``.
        labels: Whether the pictures' labels are the task, as in the paper.
        steps: Optimizer steps; 180 by default, for the head 40 passes over the pictures.
        minutes: Time for the steps on this machine, in place of their number.
        batch_size: Pictures a step.
        lr: Peak learning rate of Adam; found by a range test by default.
        alpha: Weight of stability against the task.
        keep: Share of clean answers in [0, 1] that have to stay.
        features: Whether the features are to hold instead of the answers, for searches
            (``explorer.stabilizing.features``). With ``labels`` the task is a triplet of two pictures of one class and
            one of another; without, that the features of clean pictures stay. The control then has plain noise as x'.
        seed: Of everything that is drawn.
        control: Whether plain noise augmentation gets the same steps, to compare with.
        name: Name of the result.
        device: Where to train; see ``pick_device``.
        precision: ``bf16``, ``fp32``, or ``auto`` for bf16 where the hardware gains from it.
        state: Folder for the state of the run, from which it goes on after a kill.
        ready: Called once, before the training begins, with what it will take.
        watch: Called with what is going on.
        stop: Asked after each step; true ends the training and keeps what has been reached.

    Returns:
        The new model and the report. The network that was given is left alone.

    Raises:
        ExplorerError: If the network cannot be trained, the pictures cannot be used, or a setting does not fit.
    """
    where = ranks.join() or pick_device(device)
    model = _opened(net).to(where)
    counted = STEPS if steps is None else steps
    proposed = under == AUTO
    settings = Settings(
        under=() if proposed else parse_ranges(under) if isinstance(under, str) else tuple(under),
        method=method, layers=layers, labels=labels, steps=counted, batch_size=batch_size, lr=lr, alpha=alpha,
        keep=keep, seed=seed, bf16=layers != "head" and uses_bf16(precision, where), features=features,
    )  # fmt: skip
    parts = read_parts(pictures, model, labels=labels, seed=seed, test=test)
    told = _Told(watch)
    if proposed:
        settings = replace(settings, under=_proposed(model, parts, seed, told))
    if steps is None and settings.stored:
        settings = replace(settings, steps=-(-HEAD_PASSES * len(parts.train) // batch_size))
    if ready and ranks.first():
        counts = (len(parts.train), len(parts.watched), len(parts.reported))
        ready(estimate(model, counts, settings, minutes=minutes, control=control))
    folder = None if state is None else Path(state)
    watched = Watched(parts.watched, model, settings.under, seed, told.meter("choice", PASSES * len(parts.watched)))
    main = _Training("training", settings, model, parts, watched, told)
    if minutes is not None:
        main.fit_into(minutes, folder)
    main.run(folder, stop)
    trained = [main]
    if control and not ranks.any_of(stop()):
        twice = (
            1 if settings.stored or features else 2
        )  # pictures a step: noise augmentation needs one pass of each, not two
        plain = replace(settings, method="gaussian", batch_size=twice * batch_size, steps=main.state.step or 1)
        trained.append(_Training("control", plain, model, parts, watched, told))
        trained[1].run(folder, stop)
    for one in trained:
        one.choose()
        one.student.net.requires_grad_(requires_grad=False)
    facts = main.facts() | {"pictures": parts.data, "trained_on": len(parts.train)}
    main.student.card = stabilized_card(model, name, main.settings, facts)
    students = [one.student for one in trained]
    rows = measure([model, *students], parts, main.settings, told.meter)
    about = {"hardware": facts["hardware"], "control": control and trained[-1].facts()}
    report = make_report(main.student, model, parts, main.settings, facts | about, main.state.curve, rows)
    return Stabilized(main.student, report)


class _Training:
    """A copy of the model, its training, and the point on the way that is taken."""

    def __init__(
        self, stage: str, settings: Settings, model: Classifier, parts: Parts, watched: Watched, told: _Told
    ) -> None:
        self.stage, self.settings, self._watched, self._told = stage, settings, watched, told
        self.student = student_of(model)
        self._weights = choose(self.student, settings.layers, features=settings.features)
        self._start = {name: one.detach().clone() for name, one in self._weights.items()}
        self._task: Task = (
            OfFeatures(settings, self.student, parts.train, told.meter("features", len(parts.train) * (1 + VERSIONS)))
            if settings.stored
            else OfPictures(settings, self.student, model, parts.train)
        )
        self.state, self.share = State(), 1.0
        if settings.lr is None:
            told.say("rate", 0, 1)
            rate = safe_rate(self._task, self.student, self._weights, watched.probe(), settings.seed)
            self.settings = replace(settings, lr=rate)

    def fit_into(self, minutes: float, folder: Path | None) -> None:
        """Choose the number of steps by the time of two of them; a run that goes on keeps its number."""
        if known := None if folder is None else steps_of(folder / f"{self.stage}.pt"):
            self.settings = replace(self.settings, steps=known)
            return
        rows = rows_of(0, self._task.count, min(self.settings.batch_size, self._task.count), self.settings.seed)
        generator = torch.Generator(self.student.device).manual_seed(epoch_seed(self.settings.seed, 0))
        took = []
        for _ in range(2):
            began = time.perf_counter()
            self._task.loss(rows, generator).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            took.append(time.perf_counter() - began)
        self.student.zero_grad(set_to_none=True)
        self.settings = replace(self.settings, steps=max(10, int(60 * minutes / min(took))))

    def run(self, folder: Path | None, stop: Callable[[], bool]) -> None:
        """Train, and tell how it goes."""

        def tell(state: State) -> None:
            left = state.seconds / state.step * (self.settings.steps - state.step)
            self._told.say(self.stage, state.step, self.settings.steps, left, tuple(state.curve))

        file = None if folder is None else folder / f"{self.stage}.pt"
        self.state = train(
            self._task,
            self.student,
            self._weights,
            self.settings,
            score=self._score,
            state_file=file,
            step_done=tell,
            stop=stop,
        )

    def choose(self) -> None:
        """Go back from the new weights towards the old ones until enough clean answers stay."""
        new = {name: one.detach().clone() for name, one in self._weights.items()}
        for share in (*BLENDS, 0.0):
            with torch.no_grad():
                for name, one in self._weights.items():  # a step that 16 bits hold, so that it can be shipped so
                    one.copy_(self._start[name] + (share * (new[name] - self._start[name])).half())
            self.share = share
            if not share or self._score(self.student).agreement >= self.settings.keep:
                return

    def _score(self, model: Classifier) -> Score:
        return self._watched.score(model, self._told.meter("choice", self._watched.passes))

    def facts(self) -> dict[str, Any]:
        """What became of it."""
        return {
            "steps_done": self.state.step,
            "lr": self.settings.lr,
            "seconds": round(self.state.seconds, 1),
            "share": self.share,
            "trained": sum(one.numel() for one in self._weights.values()),
            "weights": [] if self.settings.layers == "all" else list(self._weights),
            "hardware": hardware(self.student.device),
        }


class _Told:
    """Passes on what is going on."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch if ranks.first() else None

    def say(self, stage: str, done: int, total: int, left: float = 0.0, curve: tuple[Point, ...] = ()) -> None:
        if self._watch:
            self._watch(Live(stage, done, total, left, curve))

    def meter(self, stage: str, total: int) -> Meter:
        return Meter(partial(self.say, stage), total)


def _proposed(model: Classifier, parts: Parts, seed: int, told: _Told) -> tuple[AmountRange, ...]:
    found = propose(model, parts.train, seed=seed, meter=partial(told.meter, "proposal"))
    if not found:
        raise ExplorerError(
            f"No distortion changes more than a twentieth of the answers of {model.name} on these pictures; say what "
            "they go through, for example gaussian_noise=0:0.2."
        )
    return tuple(one.range for one in found)


def _opened(net: str | Path | Classifier | nn.Module) -> Classifier:
    return bare(wrap_opened(open_models(net), None, None)[0])
