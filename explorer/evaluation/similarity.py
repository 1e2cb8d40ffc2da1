"""PASS, the psychometric perceptual adversarial similarity score (Rozsa, Rudd & Boult 2016, arXiv 1605.01775).

The score of an adversarial picture is its structural similarity to the original after alignment, for people hardly see
that a whole picture is moved a little. The alignment is the homography that maximises the enhanced correlation
coefficient (ECC) of the two (Evangelidis & Psarakis 2008, forward additive algorithm, as OpenCV's ``findTransformECC``
has it).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.analysis.measures import ssim_each

ROUNDS = 50
"""Steps of the alignment at most."""

CLOSE = 1e-4
"""The alignment ends where the coefficient changes by less."""

GREY = (0.299, 0.587, 0.114)
"""The brightness of red, green and blue (ITU-R BT.601)."""


def similarity(clean: Tensor, adversarial: Tensor) -> Tensor:
    """PASS of each picture: SSIM(aligned adversarial, clean).

    Args:
        clean: Images (N, C, H, W) in [0, 1].
        adversarial: The pictures made of them, of the same shape.

    Returns:
        Scores (N,) float64, 1 for equal pictures. SSIM has a window of 7 x 7 px (``explorer.analysis.measures.ssim``);
        what the alignment brings in from outside repeats the edge.
    """
    return ssim_each(clean, aligned(clean, adversarial))


def aligned(clean: Tensor, moved: Tensor) -> Tensor:
    """Bring pictures over others by the homography of the largest ECC that is found.

    Args:
        clean: Images (N, C, H, W) in [0, 1].
        moved: Pictures of the same shape.

    Returns:
        The moved ones, aligned; unchanged where no homography correlates better, as for plain pictures.
    """
    target, source = _grey(clean), _grey(moved)
    slope = torch.cat([_differences(source, axis) for axis in (3, 2)], 1)  # per unit of grid_sample's coordinates
    count, (height, width) = len(clean), clean.shape[2:]
    rows, columns = ((2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1 for n in (height, width))
    y, x = (part.flatten() for part in torch.meshgrid(rows, columns, indexing="ij"))
    points = torch.stack([x, y, torch.ones_like(x)])  # (3, P)
    best = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)
    highest = torch.full((count,), -torch.inf, dtype=torch.float64)
    homography, before, going = best.clone(), highest.clone(), torch.arange(count)  # of those not yet aligned
    for _ in range(ROUNDS):
        at, depth = _mapped(homography, points)
        grid = at.transpose(1, 2).view(-1, height, width, 2)
        both = torch.cat([source[going], slope[going]], 1)
        seen, *along = F.grid_sample(both, grid, align_corners=False).flatten(2).unbind(1)
        mask = (at.abs() <= 1).all(1).double()
        image, wanted = (_centred(part, mask) for part in (seen, target[going].flatten(1)))
        score = (image * wanted).sum(1) / (image.norm(dim=1) * wanted.norm(dim=1))
        better = score > highest[going] + 1e-9  # more than rounding makes of equal pictures
        best[going[better]], highest[going[better]] = homography[better], score[better]
        on = score.isfinite() & ((score - before).abs() > CLOSE) & (mask.mean(1) > 0.5)
        if not on.any():
            break
        # d image / d (a, b, c, d, e, f, g, h) of the homography [[a, b, c], [d, e, f], [g, h, 1]]
        across, down = (way[on] / depth[on] * mask[on] for way in along)
        tilted = -(across * at[on, 0] + down * at[on, 1])
        jacobian = torch.cat([across[:, None] * points, down[:, None] * points, tilted[:, None] * points[:2]], 1)
        homography = homography[on] + _step(jacobian, image[on], wanted[on])
        going, before = going[on], score[on]
    grid = _mapped(best, points)[0].transpose(1, 2).view(count, height, width, 2)
    found = F.grid_sample(moved.double(), grid, padding_mode="border", align_corners=False).to(moved)
    still = (best == torch.eye(3, dtype=torch.float64)).all(2).all(1)
    found[still] = moved[still]  # bit for bit
    return found


def _mapped(homography: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Where homographies (N, 3, 3) take the points: (N, 2, P), and the third coordinate (N, P), kept above 0."""
    found = homography @ points
    depth = found[:, 2].clamp_min(0.1)
    return found[:, :2] / depth[:, None], depth


def _step(jacobian: Tensor, image: Tensor, wanted: Tensor) -> Tensor:
    """The step of the homographies (N, 3, 3): eq. 17 to 20 of Evangelidis & Psarakis; 0 where there is none."""
    hessian = jacobian @ jacobian.transpose(1, 2)
    ridge = 1e-9 * hessian.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-12)
    hessian = hessian + ridge[:, None, None] * torch.eye(8, dtype=torch.float64)
    onto_image, onto_wanted = ((jacobian @ part[:, :, None]) for part in (image, wanted))
    solved = torch.linalg.solve(hessian, onto_image)
    top = image.square().sum(1) - (onto_image * solved).sum((1, 2))
    bottom = (wanted * image).sum(1) - (onto_wanted * solved).sum((1, 2))
    error = (top / bottom)[:, None] * wanted - image
    step = torch.linalg.solve(hessian, jacobian @ error[:, :, None])[:, :, 0]
    step = torch.where((bottom > 0)[:, None] & step.isfinite(), step, 0)
    return F.pad(step, (0, 1)).view(-1, 3, 3)


def _grey(x: Tensor) -> Tensor:
    """Brightness (N, 1, H, W) float64."""
    x = x.double()
    return x if x.shape[1] == 1 else (x * x.new_tensor(GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _differences(x: Tensor, axis: int) -> Tensor:
    """Central differences along an axis, per half of the picture."""
    return torch.gradient(x, dim=axis)[0] * (x.shape[axis] / 2)


def _centred(x: Tensor, mask: Tensor) -> Tensor:
    """Values (N, P) less their mean where the mask is 1; 0 elsewhere."""
    return (x - (x * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp_min(1)) * mask
