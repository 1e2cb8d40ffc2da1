"""Near-duplicates and similar images: pictures as vectors, pairs and their precision and recall, nearest neighbours."""

from explorer.search.copies import Copies, Nearest, all_pairs
from explorer.search.embedders import UNLEARNED
from explorer.search.embeddings import Embeddings, embed
from explorer.search.intervals import Estimate, differences, estimates
from explorer.search.neighbours import Neighbours, nearest
from explorer.search.pairs import PRECISIONS, PrecisionRecall, precision_recall
from explorer.search.study import PairRow, PairStudy, pair_study

__all__ = [
    "PRECISIONS",
    "UNLEARNED",
    "Copies",
    "Embeddings",
    "Estimate",
    "Nearest",
    "Neighbours",
    "PairRow",
    "PairStudy",
    "PrecisionRecall",
    "all_pairs",
    "differences",
    "embed",
    "estimates",
    "nearest",
    "pair_study",
    "precision_recall",
]
