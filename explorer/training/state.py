"""What a run needs to go on after a stop: plain tensors in ``state.pt``, written at the end of each epoch."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from explorer.errors import ExplorerError
from explorer.files import whole, write_whole
from explorer.models.classifier import Classifier
from explorer.provenance import hardware
from explorer.training.config import TrainConfig
from explorer.training.objective import default_options


def save_state(
    folder: Path, config: TrainConfig, model: Classifier, optimizer: torch.optim.Optimizer, epochs: int, seconds: float
) -> None:
    """Write the state of a run, whole or not at all.

    Args:
        folder: Folder of the run.
        config: Its settings.
        model: Its model.
        optimizer: Its optimizer.
        epochs: Epochs done.
        seconds: Seconds spent on them.
    """
    state = {
        "config": json.dumps(asdict(config)),
        "epoch": epochs,
        "seconds": seconds,
        "hardware": hardware(model.device),
        "net": model.net.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with whole(folder / "state.pt") as part:
        torch.save(state, part)


def resume(
    folder: Path,
    config: TrainConfig,
    model: Classifier,
    optimizer: torch.optim.Optimizer,
    *,
    keep_precision: bool,
    say: Callable[[str], None],
) -> tuple[TrainConfig, int, float]:
    """Bring a run to where it was stopped.

    Args:
        folder: Folder of the run.
        config: Its settings.
        model: Its model, whose weights are replaced.
        optimizer: Its optimizer, likewise.
        keep_precision: Whether the run goes on in the precision that it began in, whatever ``config`` says.
        say: Called with a sentence where the run began on other hardware.

    Returns:
        The settings, the epochs done and the seconds spent; 0 and 0 where nothing was begun.

    Raises:
        ExplorerError: The folder holds a run with other settings, or a damaged state.
    """
    path = folder / "state.pt"
    if not path.is_file():
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        return config, 0, 0.0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = TrainConfig(**json.loads(state["config"]))  # one from before a setting existed has its default
        saved = replace(saved, options=default_options(saved.method) | saved.options)  # and so with options
    except (pickle.UnpicklingError, EOFError, RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
        raise ExplorerError(
            f"The state of the unfinished run in {folder} is damaged; start over with --restart."
        ) from error
    if saved.precision == "auto":  # from before it was stored as what it became
        saved = replace(saved, precision=config.precision)
    if keep_precision:
        config = replace(config, precision=saved.precision)
    if json.dumps(asdict(saved)) != json.dumps(asdict(config)):
        raise ExplorerError(
            f"{folder} holds a run with other settings; give the same ones to resume it, or --restart to start over."
        )
    before, here = state.get("hardware"), hardware(model.device)
    if before not in (None, here):
        say(
            f"This run began on {before} and goes on here, on {here}, in the same precision ({saved.precision}); its "
            "last bits will not be those of a run that stayed on one machine."
        )
    model.net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    log = folder / "metrics.jsonl"
    rows = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    write_whole(log, "".join(row + "\n" for row in rows[: state["epoch"]]))  # a kill may fall between log and state
    return config, int(state["epoch"]), float(state["seconds"])
