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
_TRIGGERS = ("://", "www.", "WWW.", "@", "#")


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
    plain, full = _patterns()
    pattern = full if any(trigger in text for trigger in _TRIGGERS) else plain
    found = pattern.findall(text)
    if "'" not in text and "’" not in text:
        return found
    split: list[str] = []
    for token in found:
        match = _CLITIC.fullmatch(token) if "'" in token or "’" in token else None
        split.extend(match.groups() if match else (token,))
    return split


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the expression for texts without addresses and mentions, and that for all others."""
    marks = _ranges("M")
    letter = f"[{_ranges('LMN', besides=_HAN)}{_JOINERS}]"
    word = rf"{letter}+(?:[-'’]{letter}+|[.,:/](?<=\d.)\d+)*"
    joined = rf"[{marks}\U0001f3fb-\U0001f3ff]|\u200d[^\s]"
    flag = "[\U0001f1e6-\U0001f1ff]"
    plain = [
        r"(?:[^\W\d_]\.){2,}",
        word,
        rf"['’](?i:{_CLITICS})(?!{letter})",
        rf"[:;=]['^o*-]?[)(\]\[DPpOo/\\|*@]+(?!{letter})|<3",
        r"\.{2,}|-{2,}",
        rf"{flag}{flag}|[^\s](?:{joined})*",
    ]
    addresses = [
        r"(?i:https?://|www\.)[!#-;=?-~]*[\w/=&#-]",
        r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+",
        rf"[@#]{word}",
    ]
    return re.compile("|".join(plain)), re.compile("|".join([*addresses, *plain]))


def _ranges(kinds: str, besides: str = "") -> str:
    """Return, for a set of characters, the ranges of all whose category begins with a letter."""
    left_out = re.compile(f"[{besides}]") if besides else None
    found: list[list[int]] = []
    for code in range(0x20000):  # what lies above is Chinese, but for a few signs
        char = chr(code)
        if unicodedata.category(char)[0] not in kinds or (left_out and left_out.match(char)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in found)
