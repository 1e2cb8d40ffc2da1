"""What is written of a stabilized network: weights, card, report, and a script that does the same in plain PyTorch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from string import Template

from safetensors.torch import save as to_safetensors

from explorer.distortions.ranges import format_ranges
from explorer.errors import ExplorerError
from explorer.files import user_path, write_whole
from explorer.models.checkpoints import load_model
from explorer.models.classifier import Classifier
from explorer.models.derived import DIFFERENCES, STORED, differences
from explorer.stabilizing.report import StabilizationReport

SCRIPT = Template('''\
"""Stability training without labels in plain PyTorch: what made $name of $start.

The idea, not the bits: the range of the learning rate, held-out pictures and the report are the explorer's.
"""
import copy, torch
import torch.nn.functional as F
$imports  # or any function x -> x' of your own

def stabilize(net, batches, mean, std, steps=$steps, lr=$lr, alpha=$alpha, share=$share):
    """net: pictures (N, C, H, W), normalised -> logits; batches: an iterator of pictures (N, C, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed($seed)
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (mean, std))
    teacher = copy.deepcopy(net).eval()
    net.eval()  # BatchNorm keeps its statistics
    trained = [one for name, one in net.named_parameters()$chosen]
    optimizer = torch.optim.Adam(trained, lr)
    for step in range(steps):
        x = next(batches)  # $batch_size of them
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        with torch.no_grad():
            q = teacher((x - mean) / std).log_softmax(1)
        both = torch.cat([x, $drawn])
        p, p_noisy = net((both - mean) / std).log_softmax(1).chunk(2)
        loss = F.kl_div(p, q, log_target=True, reduction="batchmean")
        loss = loss + alpha * F.kl_div(p_noisy, q, log_target=True, reduction="batchmean")
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    with torch.no_grad():  # the chosen share of the way from the old weights to the new ones
        for new, old in zip(net.parameters(), teacher.parameters()):
            new.lerp_(old, 1 - share)
    return net
''')


def save(model: Classifier, report: StabilizationReport, folder: Path, *, small: bool = False) -> Path:
    """Write everything that belongs to a stabilized model.

    Args:
        model: The model.
        report: What was measured.
        folder: Where to; made if it does not exist. The files are called after the last part of the model's name.
        small: Whether only the 16-bit differences from the start network are stored, which has to be one that a package
            brings, such as ``photos/efficientnet_lite0/standard``.

    Returns:
        The file of weights.

    Raises:
        ExplorerError: If the folder cannot be written, or ``small`` is asked for another network.
    """
    folder = user_path(folder)
    stem = model.name.rpartition("/")[2]
    if small:
        base = str(model.card.source.get("base", ""))
        if not base.startswith("photos/"):
            raise ExplorerError(
                f"{base or model.name} may change elsewhere, so its differences would be worth nothing."
            )
        start = load_model(base, device="cpu")
        data = to_safetensors(differences(model.net.cpu(), start.net))
        source = model.card.source | {STORED: DIFFERENCES}
        card = replace(model.card, source=source, sha256=hashlib.sha256(data).hexdigest())
    else:
        state = {key: value.detach().cpu().contiguous() for key, value in model.net.state_dict().items()}
        data = to_safetensors(state)
        card = replace(model.card, sha256=hashlib.sha256(data).hexdigest())
    write_whole(folder / f"{stem}.safetensors", data)
    write_whole(folder / f"{stem}.json", json.dumps(card.to_dict(), indent=1) + "\n")
    report.save(folder / "report.html")
    report.save(folder / "report.json")
    if report.settings.method in DRAWN and not report.settings.labels:
        write_whole(folder / "repeat.py", script(report))
    return folder / f"{stem}.safetensors"


DRAWN = {
    "stability": (
        "from explorer.distortions.ranges import drawn, parse_ranges",
        'drawn(x, parse_ranges("$under"), generator)',
    ),
    "mix": (
        "from explorer.training.stability_mix import RELATIVES, mixed",
        "mixed(x, generator, RELATIVES, steps=2, group=4)",
    ),
}
"""How the script draws x', by method: what it imports, and the call."""


def script(report: StabilizationReport) -> str:
    """The training as a script.

    Args:
        report: Of a training with stability training and without labels.

    Returns:
        Python that needs PyTorch, and this package for the distortions alone.
    """
    chosen = report.settings
    imports, drawn = DRAWN[chosen.method]
    names = report.facts.get("weights")
    return SCRIPT.substitute(
        name=report.model, start=report.start, steps=report.facts["steps_done"], lr=f"{chosen.lr:g}",
        alpha=f"{chosen.alpha:g}", share=report.facts["share"], seed=chosen.seed, batch_size=chosen.batch_size,
        imports=imports, drawn=drawn.replace("$under", format_ranges(chosen.under)),
        chosen=f" if name in {tuple(names)}" if names else "",
    )  # fmt: skip
