"""`Autoencoder`: a network that learns to give back its input through a narrow layer, the code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.constraints import COUNT, FRACTION, NON_NEGATIVE, Constraint, Interval, OneOf, check
from chainrule.errors import ArgumentError
from chainrule.nn.containers import Sequential
from chainrule.nn.layers import Activation, Linear, Rng
from chainrule.nn.losses import mse
from chainrule.nn.module import Module
from chainrule.nn.parameters import load_parameters, named_parameters
from chainrule.nn.run import Run
from chainrule.nn.targets import same_kind


class Autoencoder(Module):
    """An encoder to a code, and a decoder of the same shape back.

    Called, it gives the reconstruction; `encode` gives the code, `decode` what a code stands for.
    The linear one, trained by the squared error, spans the subspace of principal component
    analysis (Baldi and Hornik, "Neural networks and principal component analysis", Neural Networks
    1989); deep ones bend it (Hinton and Salakhutdinov, Science 2006).

    Parameters
    ----------
    sizes : sequence of int
        Widths from the input to the code, at least two; the decoder has them in reverse.
    rng : numpy.random.Generator or int
        Source of the initial weights; None leaves zeros, for weights that will be loaded.
    activation : str or callable
        Of the hidden layers.
    code_activation, output_activation : str or callable
        Of the code and of the reconstruction.
    tied : bool
        Whether the decoder's weights are the encoder's, transposed; it has biases of its own.
    noise : float in [0, 1)
        In training, the share of the inputs that is set to zero: the network learns to fill them
        in (Vincent, Larochelle, Bengio and Manzagol, "Extracting and composing robust features
        with denoising autoencoders", ICML 2008, section 2.3).
    dtype : dtype_like

    Raises
    ------
    ArgumentError
        Naming the argument and its range.

    Examples
    --------
    >>> import numpy as np
    >>> model = Autoencoder([8, 5, 2], rng=0, tied=True)
    >>> x = np.ones((3, 8))
    >>> model.encode(x).shape, model(x).shape
    ((3, 2), (3, 8))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: Rng,
        *,
        activation: Any = "tanh",
        code_activation: Any = "identity",
        output_activation: Any = "identity",
        tied: bool = False,
        noise: float = 0.0,
        dtype: Any = np.float32,
    ) -> None:
        given = {"tied": tied, "noise": noise}
        check("Autoencoder", {"tied": OneOf((True, False)), "noise": FRACTION}, given)
        if len(sizes) < 2:
            raise ArgumentError(
                f"Autoencoder: sizes must be two widths or more, from the input to the code, "
                f"not {list(sizes)}"
            )
        widths = {f"sizes[{i}]": n for i, n in enumerate(sizes)}
        check("Autoencoder", dict.fromkeys(widths, COUNT), widths)
        rng = None if rng is None else np.random.default_rng(rng)
        down, up = list(sizes), list(sizes)[::-1]
        hidden = [activation] * (len(sizes) - 2)
        self.noise = float(noise)
        self.encoder = _layers(down, [*hidden, code_activation], rng, dtype)
        self.decoder = (
            _Transposed(up, [*hidden, output_activation], dtype)
            if tied
            else _layers(up, [*hidden, output_activation], rng, dtype)
        )

    def encode(self, x: Any) -> Any:
        """Map (n, d) to the code, (n, k)."""
        return self.encoder(x)

    def decode(self, code: Any) -> Any:
        """Map a code, (n, k), to what it stands for, (n, d)."""
        if isinstance(self.decoder, _Transposed):
            return self.decoder((code, _weights(self.encoder)))
        return self.decoder(code)

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Map (n, d) to its reconstruction, (n, d)."""
        return self.decode(self.encode(self.corrupted(x, run)))

    def shifted(self, inputs: Any, outputs: Any) -> Autoencoder:
        """Return the autoencoder that maps x to ``self(x - inputs) + outputs``, by its biases.

        Parameters
        ----------
        inputs, outputs : arrays of shape (d,)
            Outputs move before the output activation.

        Examples
        --------
        >>> import numpy as np
        >>> model, one = Autoencoder([2, 1], rng=0, dtype=np.float64), np.ones(2)
        >>> np.allclose(model.shifted(one, 3 * one)(one), model(0 * one) + 3)
        True
        """
        moved = named_parameters(self)
        output = list(moved)[-1]  # the decoder's last bias
        moved["encoder.0.bias"] = moved["encoder.0.bias"] - moved["encoder.0.weight"] @ inputs
        moved[output] = moved[output] + outputs
        return load_parameters(self, moved)

    def corrupted(self, x: Any, run: Run | None = None) -> Any:
        """Return the input with a share of its numbers set to zero, if `run` is given."""
        if run is None or not self.noise:
            return x
        return np.where(run.uniform(x) < self.noise, 0.0, x)


class WithCode(Module):
    """An autoencoder whose output is its reconstruction and its code, for losses that need both.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(WithCode(Autoencoder([4, 2], rng=0))(np.ones((3, 4))))
    ['code', 'reconstruction']
    """

    def __init__(self, autoencoder: Autoencoder) -> None:
        self.autoencoder = autoencoder

    def forward(self, x: Any, run: Run | None = None) -> Any:
        """Map (n, d) to ``{"code": (n, k), "reconstruction": (n, d)}``."""
        code = self.autoencoder.encode(self.autoencoder.corrupted(x, run))
        return {"code": code, "reconstruction": self.autoencoder.decode(code)}


class _Transposed(Module):
    """A decoder with biases of its own and the encoder's weights."""

    def __init__(self, sizes: Sequence[int], activations: Sequence[Any], dtype: Any) -> None:
        self.biases: list[Any] = [np.zeros(n, dtype) for n in sizes[1:]]
        self.activations = [None if f == "identity" else Activation(f) for f in activations]

    def forward(self, inputs: Any) -> Any:
        """Map a code and the encoder's weights, from the first to the last, to (n, d)."""
        x, weights = inputs
        steps = zip(reversed(weights), self.biases, self.activations, strict=True)
        for weight, bias, activation in steps:
            x = x @ weight + bias
            x = x if activation is None else activation(x)
        return x


def _layers(sizes: Sequence[int], activations: Sequence[Any], rng: Any, dtype: Any) -> Sequential:
    layers: list[Module] = []
    for (n_in, n_out), activation in zip(pairwise(sizes), activations, strict=True):
        options = {"weight_init": "xavier_uniform", "bias_init": "zeros", "dtype": dtype}
        layers.append(Linear(n_in, n_out, rng, **options))
        if activation != "identity":
            layers.append(Activation(activation))
    return Sequential(*layers)


def _weights(encoder: Sequential) -> list[Any]:
    return [layer.weight for layer in encoder.layers if isinstance(layer, Linear)]


_SPARSITY: dict[str, Constraint] = {
    "penalty": OneOf(("l1", "kl")),
    "strength": NON_NEGATIVE,
    "rate": Interval(0, 1, "neither"),
}


def sparse_reconstruction(
    outputs: Any,
    targets: Any,
    *,
    penalty: str = "kl",
    strength: float = 0.1,
    rate: float = 0.05,
    sample_weight: Any = None,
) -> Any:
    """Squared error of a reconstruction, and a penalty on the code's activity.

    Parameters
    ----------
    outputs : dict
        What `WithCode` gives.
    targets : array of shape (n, d)
    penalty : {"kl", "l1"}
        ``"kl"``: the sum over units of the divergence of their mean activity over the batch from
        `rate`, for activities in (0, 1), as the sigmoid gives (Ng, "Sparse autoencoder", CS294A
        lecture notes, section 3). ``"l1"``: the mean over rows of the sum of ``|code|``.
    strength : float >= 0
        Factor of the penalty.
    rate : float in (0, 1)
        The mean activity that ``"kl"`` asks for.
    sample_weight : array of shape (n,), optional
        Of the rows' errors and of their part in means of activity.

    Examples
    --------
    >>> import numpy as np
    >>> code, same = np.array([[0.5], [0.1]]), np.zeros((2, 3))
    >>> outputs = {"code": code, "reconstruction": same}
    >>> sparse_reconstruction(outputs, same, penalty="l1", strength=1.0).round(6)
    np.float64(0.3)
    >>> sparse_reconstruction(outputs, same, strength=1.0, rate=0.3).round(6) + 0.0
    np.float64(0.0)
    """
    check(
        "sparse_reconstruction",
        _SPARSITY,
        {"penalty": penalty, "strength": strength, "rate": rate},
    )
    error = mse(outputs["reconstruction"], targets, sample_weight=sample_weight)
    code = outputs["code"]
    weight = np.ones_like(code[:, 0]) if sample_weight is None else same_kind(sample_weight, code)
    share = (weight / np.sum(weight))[:, None]
    if penalty == "l1":
        return error + strength * np.sum(share * np.abs(code))
    mean = np.sum(share * code, axis=0)
    costs = _divergence(rate, mean) + _divergence(1.0 - rate, 1.0 - mean)
    return error + strength * np.sum(costs)


def _divergence(p: float, q: Any) -> Any:
    return p * (np.log(p) - np.log(q))
