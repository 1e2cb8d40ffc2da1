"""Near-duplicates and similar images: pictures as vectors, pairs and their precision and recall, nearest neighbours."""

from explorer.search.copies import Copies, Nearest, all_pairs
from explorer.search.duplicates import Duplicates, Member, find_duplicates
from explorer.search.embedders import UNLEARNED
from explorer.search.embeddings import Embeddings, embed
from explorer.search.intervals import Estimate, differences, estimates
from explorer.search.layouts import read_triplets
from explorer.search.neighbours import Neighbours, nearest
from explorer.search.pairs import PRECISIONS, PrecisionRecall, precision_recall
from explorer.search.relatives import Relative, Relatives, find_relatives
from explorer.search.study import PairRow, PairStudy, pair_study
from explorer.search.triplets import TripletResult, TripletRow, Triplets, rank_triplets, triplets_of_classes

__all__ = [
    "PRECISIONS",
    "UNLEARNED",
    "Copies",
    "Duplicates",
    "Embeddings",
    "Estimate",
    "Member",
    "Nearest",
    "Neighbours",
    "PairRow",
    "PairStudy",
    "PrecisionRecall",
    "Relative",
    "Relatives",
    "TripletResult",
    "TripletRow",
    "Triplets",
    "all_pairs",
    "differences",
    "embed",
    "estimates",
    "find_duplicates",
    "find_relatives",
    "nearest",
    "pair_study",
    "precision_recall",
    "rank_triplets",
    "read_triplets",
    "triplets_of_classes",
]
