"""What users and files name is shown as text, never obeyed: control characters become visible."""

from __future__ import annotations


def visible(text: object, keep: str = "") -> str:
    r"""Return text whose control characters and invisible marks can be seen.

    Parameters
    ----------
    text : object
        Its `str`.
    keep : str
        Characters that stay as they are, such as line ends.

    Examples
    --------
    >>> visible("red\x1b[31m\nblue")
    'red\\x1b[31m\\nblue'
    """
    return "".join(
        char if char.isprintable() or char in keep
        else char.encode("unicode_escape", "replace").decode()
        for char in str(text)
    )  # fmt: skip
