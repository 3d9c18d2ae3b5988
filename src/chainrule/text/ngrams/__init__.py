"""N-gram models of language: counts, smoothing, ARPA files, and their mixture with other models."""

from chainrule.text.ngrams.counts import Counts, Level
from chainrule.text.ngrams.jelinek_mercer import JelinekMercer
from chainrule.text.ngrams.mixture import mixture, mixture_weight
from chainrule.text.ngrams.model import SMOOTHINGS, NGramModel
from chainrule.text.ngrams.smoothing import (
    AbsoluteDiscounting,
    GoodTuring,
    Katz,
    KneserNey,
    Laplace,
    ModifiedKneserNey,
    Smoothing,
)
from chainrule.text.ngrams.table import BackoffTable

__all__ = [
    "SMOOTHINGS",
    "AbsoluteDiscounting",
    "BackoffTable",
    "Counts",
    "GoodTuring",
    "JelinekMercer",
    "Katz",
    "KneserNey",
    "Laplace",
    "Level",
    "ModifiedKneserNey",
    "NGramModel",
    "Smoothing",
    "mixture",
    "mixture_weight",
]
