"""`Saved`: estimators that are kept as one file of data: arrays, and facts as JSON."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from chainrule import language
from chainrule.errors import ChainruleError, FileFormatError
from chainrule.estimator import Estimator
from chainrule.graph import Array
from chainrule.io import load_tensors, parse_json, save_tensors

_FORMAT = 1
_KEY = "chainrule"


class Saved(Estimator):
    """Base of estimators that ship as one file.

    A subclass tells in `_learned` what ``fit`` found, and takes it back in `_restore`.
    """

    @abstractmethod
    def _learned(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return what was learned: facts that JSON can hold, and arrays."""

    @abstractmethod
    def _restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Take back what `_learned` returned; raise any error if it does not fit together."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator as one safetensors file, whole or not at all.

        Raises
        ------
        NotFittedError
        TypeError
            If an argument is a function or an object that no file can hold.
        OSError
        """
        self._check_fitted()
        facts, arrays = self._learned()
        document = {
            "format": _FORMAT,
            "estimator": type(self).__name__,
            "arguments": self._storable(),
            "facts": facts,
        }
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        save_tensors(path, arrays, {_KEY: text})

    def _storable(self) -> dict[str, Any]:
        """Return the arguments as JSON holds them."""
        return self.get_params(deep=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a fitted estimator; nothing in the file is executed.

        Called on `Saved` itself, it takes a file of any of them.

        Raises
        ------
        FileFormatError
            If the file holds none, or one of another kind.
        """
        arrays, metadata = load_tensors(path)
        try:
            return cls._from(parse_json(metadata[_KEY]), arrays)
        except ChainruleError as error:
            raise FileFormatError(f"{path}: {error}") from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise FileFormatError(f"{path} holds no estimator of chainrule: {error!r}") from None

    @classmethod
    def _from(cls, document: Any, arrays: Mapping[str, Array]) -> Self:
        if document["format"] != _FORMAT:
            raise FileFormatError(f"no estimator of format {_FORMAT}")
        name = document["estimator"]
        kind = language.ESTIMATORS.get(name)
        if kind is None or not issubclass(kind, cls):
            raise FileFormatError(f"it holds a {name}, not a {cls.__name__}")
        given = document["arguments"].items()  # JSON has lists for tuples
        made: Self = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given})
        made._check_arguments()
        made._restore(document["facts"], arrays)
        return made
