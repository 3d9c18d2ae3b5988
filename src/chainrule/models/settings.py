"""What is decided, not given: sizes, optimizer and patience, with defaults by the data's size."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from chainrule import nn, optim
from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, POSITIVE, Interval, OneOf, check
from chainrule.data import SCALINGS
from chainrule.errors import ArgumentError, FileFormatError

OPTIMIZERS = {name.lower(): cls for name, cls in optim.OPTIMIZERS.items()}

_ALLOWED: dict[str, Interval | OneOf] = {
    "activation": OneOf(tuple(sorted(set(nn.ACTIVATIONS) - {"binary_step"}))),
    "optimizer": OneOf(tuple(OPTIMIZERS)),
    "lr": POSITIVE,
    "batch_size": COUNT,
    "epochs": COUNT,
    "patience": COUNT,
    "weight_decay": NON_NEGATIVE,
    "dropout": FRACTION,
    "validation": FRACTION,
    "scaling": OneOf(tuple(SCALINGS)),
    "class_weight": OneOf(("none", "balanced")),
    "seed": Interval(0, 2**63, integer=True),
}

# What an optimizer is made with, unless the settings say otherwise; those that are not here have
# the learning rate by the number of rows.
_USUAL: dict[str, dict[str, Any]] = {
    "adadelta": {"lr": 1.0},
    "adagrad": {"lr": 0.03},
    "adamax": {"lr": 0.005},
    "lamb": {"lr": 0.01},
    "lion": {"lr": 0.0003},
    "muon": {"lr": 0.01},
    "radam": {"lr": 0.005},
    "rprop": {"lr": 0.01},
    "sgd": {"lr": 0.005, "momentum": 0.9, "nesterov": True},
}

# Up to so many training rows: batch size, epochs, hidden layers, dropout, learning rate.
_BY_ROWS: tuple[tuple[float, int, int, tuple[int, ...], float, float], ...] = (
    (500, 16, 120, (32,), 0.0, 0.003),
    (5_000, 32, 40, (256,), 0.5, 0.002),
    (20_000, 128, 30, (128, 64), 0.3, 0.001),
    (100_000, 256, 15, (256, 128), 0.3, 0.001),
    (float("inf"), 512, 10, (256, 128), 0.3, 0.001),
)
_WIDTH = Interval(1, 2**31, integer=True)
_REGRESSION_RATE = 0.003  # with twice the epochs and no dropout, which blurs numbers
_FEW_TO_VALIDATE = 200
_FEW_OF_CLASSES = 5_000  # up to which all rows teach: dropout and the falling rate guard enough
_FEW_NUMBERS_DECAY = 0.03  # where there are too few rows for early stopping to watch


@dataclass(frozen=True)
class Settings:
    """How a network is built and trained; None leaves a choice to the size of the data.

    Parameters
    ----------
    hidden : tuple of int, optional
        Widths of the hidden layers; an empty tuple makes a linear model.
    activation : str
        A name in `chainrule.nn.ACTIVATIONS`, for the hidden layers.
    optimizer : str
        A name in `chainrule.optim.OPTIMIZERS`, in lower case; SGD has Nesterov momentum 0.9.
    lr : float, optional
        Learning rate, which falls to zero along a cosine; that of Rprop is its first step size.
    batch_size, epochs : int, optional
        Rows of a step, and passes over the data at most.
    patience : int, optional
        Epochs without a better validation loss after which training stops.
    weight_decay : float, optional
        As the optimizer has it: L2 regularisation of the parameters, or apart from the gradient.
    dropout : float in [0, 1), optional
        Share of the hidden units that training leaves out.
    validation : float in [0, 1), optional
        Share of the training rows that early stopping watches; 0 for none.
    scaling : str
        How columns of numbers are scaled, a name in `chainrule.data.SCALINGS`.
    class_weight : {"none", "balanced"}
        Whether classes count by their rows, or each as much as any other; see
        `chainrule.training.class_weights`.
    seed : int
        Decides the divisions of the rows, the initial weights and all draws.

    Raises
    ------
    ArgumentError
        If a value cannot be.

    Examples
    --------
    >>> Settings(hidden=(8,)).resolved(150).batch_size
    16
    """

    hidden: tuple[int, ...] | None = None
    activation: str = "relu"
    optimizer: str = "adam"
    lr: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    validation: float | None = None
    scaling: str = "standard"
    class_weight: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        check("settings", _ALLOWED, given)
        for width in self.hidden or ():
            check("settings", {"hidden": _WIDTH}, {"hidden": width})
        if self.weight_decay and "weight_decay" not in self._known():
            raise ArgumentError(
                f"settings: weight_decay is {self.weight_decay}, which the optimizer "
                f"{self.optimizer!r} does not have: leave it out, or choose another optimizer"
            )

    def _known(self) -> dict[str, Any]:
        """Return the defaults of the optimizer's arguments."""
        return {field.name: field.default for field in fields(OPTIMIZERS[self.optimizer])}

    def resolved(self, n_rows: int, regression: bool = False) -> Settings:
        """Return the settings with every choice made.

        Parameters
        ----------
        n_rows : int
            Number of training rows.
        regression : bool
            Whether numbers are predicted.
        """
        batch_size, epochs, hidden, dropout, lr = next(
            row[1:] for row in _BY_ROWS if n_rows <= row[0]
        )
        if regression:
            epochs, dropout, lr = 2 * epochs, 0.0, _REGRESSION_RATE
        few = n_rows < _FEW_TO_VALIDATE
        watched = not few if regression else n_rows > _FEW_OF_CLASSES
        defaults: dict[str, Any] = {
            "hidden": hidden,
            "lr": _USUAL.get(self.optimizer, {}).get("lr", lr),
            "batch_size": batch_size,
            "epochs": epochs,
            "patience": max(10, epochs // 3),
            "weight_decay": self._usual_decay(few and regression),
            "dropout": dropout,
            "validation": 0.1 if watched else 0.0,
        }
        chosen = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return replace(self, **chosen)

    def make_optimizer(self) -> optim.Optimizer:
        """Return the optimizer of resolved settings."""
        given = {"lr": self.lr, "weight_decay": self.weight_decay}
        arguments = _USUAL.get(self.optimizer, {}) | given
        return OPTIMIZERS[self.optimizer](
            **{k: arguments[k] for k in self._known() if k in arguments}
        )

    def _usual_decay(self, few_numbers: bool) -> float:
        """Return the optimizer's own weight decay; by the data where that is none."""
        own = self._known().get("weight_decay")
        if own is None:
            return 0.0
        return float(own) or (_FEW_NUMBERS_DECAY if few_numbers else 1e-4)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Settings:
        """Return the settings that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        try:
            hidden = data["hidden"]
            return cls(**{**data, "hidden": None if hidden is None else tuple(hidden)})
        except (ArgumentError, KeyError, TypeError) as error:
            raise FileFormatError(f"no settings of a model: {error}") from None
