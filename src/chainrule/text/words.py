"""Where words begin and end in running text.

What is a token, the first of these that fits, from left to right:

1. a web address, from ``http://``, ``https://`` or ``www.`` on, and an e-mail address;
2. a mention or hashtag: ``@`` or ``#`` and a word;
3. an abbreviation of single letters with points: ``U.S.``, ``e.g.``;
4. a Chinese character, for no spaces tell where Chinese words end;
5. a word: letters, digits and the marks and joiners that belong to them in any script, also across
   single hyphens and apostrophes, and across ``. , : /`` between digits (``9.50``, ``12:30``);
6. an emoticon such as ``:-)``, and a run of points or hyphens;
7. any other sign, one by one; an emoji with all that is joined to it is one sign.

English words lose their clitics, as in the Penn Treebank, so that ``don't`` is ``do`` and ``n't``,
``she'll`` is ``she`` and ``'ll``. Scripts that are written without spaces beside the Chinese, such
as Thai, are not divided within a run of letters: character or BPE tokens serve them better.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_JOINERS = "\u200c\u200d"
_CLITICS = r"(?:s|re|ve|ll|m|d)"
_CLITIC = re.compile(rf"(.+?)(n['’]t|['’]{_CLITICS})", re.IGNORECASE)
_HIGH = re.compile("[\U00010000-\U0010ffff]")
_ASCII, _BASIC, _ALL = 0x80, 0x10000, 0x20000  # what lies above the last is Chinese and few signs


def split_words(text: str) -> list[str]:
    """Return the words and signs of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        In order; together they are the text without its white space.

    Examples
    --------
    >>> split_words("They're in the U.S., aren't they? नमस्ते 你好 :-)")
    ['They', "'re", 'in', 'the', 'U.S.', ',', 'are', "n't", 'they', '?', 'नमस्ते', '你', '好', ':-)']
    """
    below = _ASCII if text.isascii() else _ALL if _HIGH.search(text) else _BASIC
    addresses = "@" in text or "#" in text or "://" in text or "www." in text or "WWW." in text
    found: list[str] = _pattern(below, addresses).findall(text)
    return _without_clitics(found) if "'" in text or "’" in text else found


def _without_clitics(tokens: list[str]) -> list[str]:
    split: list[str] = []
    for token in tokens:
        if "'" in token or "’" in token:
            match = _CLITIC.fullmatch(token)
            split.extend(match.groups() if match else (token,))
        else:
            split.append(token)
    return split


@cache
def _pattern(below: int, addresses: bool) -> re.Pattern[str]:
    """Return the expression for texts of characters `below`; a small set is a fast one."""
    letter = f"[{_ranges('LMN', below, besides=_HAN)}{_JOINERS}]"
    word = rf"{letter}++(?:[-'’]{letter}++|[.,:/](?<=\d.)\d++)*+"
    joined = rf"(?:[{_ranges('M', _ALL)}\U0001f3fb-\U0001f3ff]|\u200d[^\s])*"
    alternatives = [
        rf"{letter}++(?= )",  # the commonest, first
        r"[^\W\d_]\.(?:[^\W\d_]\.)+",
        word,
        rf"['’](?i:{_CLITICS})(?!{letter})",
        rf"[:;=]['^o*-]?[)(\]\[DPpOo/\\|*@]+(?!{letter})|<3",
        r"\.{2,}|-{2,}",
        r"[^\s]" if below == _ASCII else rf"[\U0001f1e6-\U0001f1ff]{{2}}|[^\s]{joined}",
    ]
    if addresses:
        alternatives[:0] = [
            r"(?i:https?://|www\.)[!#-;=?-~]*[\w/=&#-]",
            r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+",
            rf"[@#]{word}",
        ]
    return re.compile("|".join(alternatives))


@cache
def _ranges(kinds: str, below: int, besides: str = "") -> str:
    """Return, for a set of characters, the ranges of those whose category begins with a letter."""
    left_out = re.compile(f"[{besides}]") if besides else None
    found: list[list[int]] = []
    for code in range(below):
        char = chr(code)
        if unicodedata.category(char)[0] not in kinds or (left_out and left_out.match(char)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in found)
