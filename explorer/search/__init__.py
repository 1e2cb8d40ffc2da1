"""Near-duplicates and similar images: pictures as vectors, pairs and their precision and recall, nearest neighbours."""

from explorer.search.copies import Copies, Nearest, all_pairs
from explorer.search.embedders import UNLEARNED
from explorer.search.embeddings import Embeddings, embed
from explorer.search.neighbours import Neighbours, nearest
from explorer.search.pairs import PRECISIONS, PrecisionRecall, precision_recall

__all__ = [
    "PRECISIONS",
    "UNLEARNED",
    "Copies",
    "Embeddings",
    "Nearest",
    "Neighbours",
    "PrecisionRecall",
    "all_pairs",
    "embed",
    "nearest",
    "precision_recall",
]
