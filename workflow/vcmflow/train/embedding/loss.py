"""The contrastive loss, Eq. (5) and (6), and semi-hard mining with a dynamic radius (2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Similarities:
    """Cosine similarities of a batch.

    Attributes:
        positive: (B,), anchor t to its neighbour t + 1.
        negative: (B, K), each anchor to each candidate negative.
    """

    positive: torch.Tensor
    negative: torch.Tensor


@dataclass(frozen=True)
class Mined:
    """The negatives that enter the loss.

    Attributes:
        keep: bool (B, K).
        radius: width of the band beyond the positive's distance.
        share: share of the candidates that is kept, 0..1.
    """

    keep: torch.Tensor
    radius: float
    share: float


def cosine_similarities(
    anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor
) -> Similarities:
    """Return C of Eq. (6) for anchors (B, d), positives (B, d) and negatives (K, d)."""
    anchors = functional.normalize(anchors)
    return Similarities(
        positive=(anchors * functional.normalize(positives)).sum(dim=1),
        negative=anchors @ functional.normalize(negatives).T,
    )


def contrastive_loss(
    similarities: Similarities, keep: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """Return Eq. (5), the mean over the anchors, with the sum over the kept negatives.

    Args:
        similarities: C of anchors, positives and candidates.
        keep: bool (B, K), the negatives in the sum.
        temperature: divides the similarities; 1 is the paper's formula.
    """
    positive = similarities.positive[:, None] / temperature
    negative = (similarities.negative / temperature).masked_fill(~keep, -torch.inf)
    # -log(e^p / (e^p + sum e^n)), without overflow.
    return (torch.logsumexp(torch.cat([positive, negative], dim=1), dim=1) - positive[:, 0]).mean()


@torch.no_grad()
def semi_hard(
    similarities: Similarities,
    quantile: float,
    hardest: int,
    candidates: torch.Tensor | None = None,
) -> Mined:
    """Keep the negatives at a middle distance from their anchor (docs/paper.md, 1).

    With d = 1 - C, a negative stays if d_pos < d_neg < d_pos + r, where the radius r is a quantile
    of all the candidates' distances. An anchor without any keeps its ``hardest`` nearest ones
    beyond d_pos; one whose candidates are all nearer than its positive keeps all of them.

    Args:
        similarities: C of anchors, positives and negatives.
        quantile: 0..1; shrinks over the training.
        hardest: >= 1.
        candidates: bool (B, K), the negatives that may enter an anchor's loss; None: all.
    """
    d_positive = 1 - similarities.positive[:, None].float()
    d_negative = 1 - similarities.negative.float()
    if candidates is None:
        candidates = torch.ones_like(d_negative, dtype=torch.bool)
    ranked = d_negative[candidates].sort().values
    radius = float(ranked[round(quantile * (len(ranked) - 1))]) if len(ranked) else 0.0
    beyond = candidates & (d_negative > d_positive)
    keep = beyond & (d_negative < d_positive + radius)
    order = d_negative.masked_fill(~beyond, torch.inf)
    nearest = torch.zeros_like(keep).scatter_(
        1, order.topk(min(hardest, keep.shape[1]), dim=1, largest=False).indices, True
    )
    keep |= ~keep.any(dim=1, keepdim=True) & nearest & beyond
    keep |= ~keep.any(dim=1, keepdim=True) & candidates
    share = float(keep[candidates].float().mean()) if len(ranked) else 0.0
    return Mined(keep, radius, share)
