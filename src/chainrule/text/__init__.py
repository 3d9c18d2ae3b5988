"""Text: files, tokens, vocabularies, vectors, tags, n-gram models; no network."""

from chainrule.text.bpe import BPETokenizer
from chainrule.text.conll import Sentence, read_conll
from chainrule.text.conllu import read_conllu
from chainrule.text.entities import (
    EntityCounts,
    EntityScores,
    is_entity_tag,
    lenient_entities,
    score_entities,
)
from chainrule.text.features import LexiconFeatures
from chainrule.text.hashing import (
    hash_tokens,
    hashed_ngrams,
    ngram_table,
    subword_ngrams,
    subword_table,
)
from chainrule.text.labelled import Labelled, read_labelled
from chainrule.text.lexicons import read_scores, read_words
from chainrule.text.mapped import MappedVectors
from chainrule.text.ngrams import NGramModel, mixture, mixture_weight
from chainrule.text.padding import pad
from chainrule.text.plain import LineStream, read_texts, stream_lines
from chainrule.text.tags import SCHEMES, Entity, convert_tags, entities, entity_tags
from chainrule.text.tokens import (
    CharacterTokenizer,
    RegexTokenizer,
    Tokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
    tokenizer_for,
    tokenizer_from_dict,
)
from chainrule.text.vector_files import WordTable
from chainrule.text.vectors import load_vectors, save_vectors, word_table
from chainrule.text.vocabulary import BOS, EOS, PAD, UNK, Vocabulary
from chainrule.text.word_features import WORD_FEATURES
from chainrule.text.word_tests import WordPair, read_analogies, read_word_pairs

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SCHEMES",
    "UNK",
    "WORD_FEATURES",
    "BPETokenizer",
    "CharacterTokenizer",
    "EntityCounts",
    "Entity",
    "EntityScores",
    "Labelled",
    "LexiconFeatures",
    "LineStream",
    "MappedVectors",
    "NGramModel",
    "RegexTokenizer",
    "Sentence",
    "Tokenizer",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordPair",
    "WordTable",
    "WordTokenizer",
    "convert_tags",
    "entities",
    "entity_tags",
    "hash_tokens",
    "hashed_ngrams",
    "is_entity_tag",
    "lenient_entities",
    "load_vectors",
    "mixture",
    "mixture_weight",
    "ngram_table",
    "pad",
    "read_analogies",
    "read_conll",
    "read_conllu",
    "read_labelled",
    "read_scores",
    "read_texts",
    "read_word_pairs",
    "read_words",
    "save_vectors",
    "score_entities",
    "stream_lines",
    "subword_ngrams",
    "subword_table",
    "tokenizer_for",
    "tokenizer_from_dict",
    "word_table",
]
