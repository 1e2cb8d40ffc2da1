"""Random crops, as a defence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.models.remedies.registry import remedy


@remedy(
    "crops", title="Random crops",
    source="Guo, Rana, Cisse & van der Maaten 2018 (arXiv 1711.00117); sizes as in the code of Athalye et al. 2018",
    limits={"share": (0.1, 1), "n": (1, 1000)}, answered="mean", differentiable=True, random=True,
)  # fmt: skip
def crops(x: Tensor, draws: Draws, *, share: float = 0.9, n: int = 30) -> Tensor:
    """Asks about random crops, each enlarged to the whole size, and answers by their mean probability.

    ``share`` is the crop's side as a share of the picture's, ``n`` the number of crops. Published were 30 crops of 90
    of 224 or 299 px for networks of photographs, a share of 0.4 or 0.3; the default keeps more, for small pictures.
    """
    place = draws.uniform(2).to(x) * 2 - 1
    map_ = torch.zeros(len(x), 2, 3).to(x)
    map_[:, 0, 0] = map_[:, 1, 1] = share
    map_[:, :, 2] = place * (1 - share)
    grid = F.affine_grid(map_, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False).clamp(0, 1)
