"""`MLPClassifier`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.borrowed import borrow
from chainrule.errors import DataError
from chainrule.estimator import stored
from chainrule.estimators.callbacks import with_callbacks
from chainrule.estimators.heads import Heads, class_heads
from chainrule.estimators.kinds import Classifier
from chainrule.estimators.mlp import MLP, stochastic
from chainrule.estimators.validation import kind_of_classes, one_column, plain_targets
from chainrule.graph import Array


class MLPClassifier(Classifier, MLP):
    """A multilayer perceptron that tells classes apart; in the place of scikit-learn's.

    Arguments up to `max_fun` are scikit-learn's, with their defaults, and the same `random_state`
    gives the same network, to rounding: initial weights, order of the rows, updates and stopping
    rule are the same. What theirs does not have follows.

    Two classes have one output, through a sigmoid; more have one each, through a softmax. Targets
    of shape (n, k) of 0 and 1 are independent labels. float32 rows are computed with in float32,
    all others in float64; predictions are computed in float64.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int >= 1
        Widths of the hidden layers; empty for a linear model.
    activation : str, callable or sequence of them
        ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``, any other name in
        `chainrule.nn.ACTIVATIONS`, or a function of an array in plain NumPy: for all hidden
        layers, or one for each.
    solver : {"adam", "sgd", "lbfgs"} or Optimizer
        An optimizer of `chainrule.optim` has its own learning rate and the like, and those here
        are not used.
    alpha : float >= 0
        L2 regularisation: ``alpha / 2`` times the sum of the squares of the weights, divided by
        the rows of a batch, is added to the loss.
    batch_size : int >= 1 or "auto"
        Rows of a step; "auto" is the smaller of 200 and the number of rows.
    learning_rate : {"constant", "invscaling", "adaptive"} or callable
        The words are of SGD and optimizers; a schedule of `chainrule.optim`, or any function from
        the number of a step to a factor of the learning rate, is of every solver but L-BFGS.
    learning_rate_init : float > 0
    power_t : float >= 0
        Exponent of "invscaling".
    max_iter : int >= 1
        Epochs, or iterations of L-BFGS.
    shuffle : bool
        Whether each epoch takes the rows in another order.
    random_state : int, RandomState or None
        Decides the initial weights and all draws; None takes fresh ones.
    tol : float >= 0
        How much better the loss, or the score of early stopping, must be to count; with L-BFGS,
        the largest gradient at which it ends.
    verbose : bool, int or "bar"
        Whether a line an epoch is printed, or a progress bar shown on standard error.
    warm_start : bool
        Whether `fit` starts from the network of the last.
    momentum : float in [0, 1)
        Of SGD.
    nesterovs_momentum : bool
    early_stopping : bool
        Whether to watch a score on rows that are held out, and to return to the best epoch.
    validation_fraction : float in [0, 1)
        Share of the rows that are held out.
    beta_1, beta_2 : float in [0, 1)
        Of Adam.
    epsilon : float > 0
        Of Adam.
    n_iter_no_change : int >= 1 or inf
        Epochs without improvement by `tol` after which training stops.
    max_fun : int >= 1
        Most evaluations of the loss by L-BFGS.
    loss : "log_loss" or callable
        ``loss(outputs, targets)`` of outputs before their activation, in plain NumPy: one cost a
        row, one an output, or their mean, with which rows can't have weights. Targets are numbers
        of classes, (n,), and 0 or 1, (n, k), for two classes and for labels.
    class_weight : dict, "balanced" or None
        Factors of the rows' weights by class.
    dropout : float in [0, 1) or sequence of them
        Share of the hidden units that training leaves out, in all hidden layers or each.
    normalization : {"batch", "layer"} or None
        What stands between the weighted sums of hidden layers and their activations.
    categorical_features : None, "from_dtype", or names, positions or a mask of columns
        Columns of categories, each of which has a learned vector in the network's input.
        "from_dtype" takes columns of a data frame that hold categories or text. Values that
        training did not meet have the mean of the others' vectors.
    scoring : str, callable or None
        The score of early stopping, as scikit-learn has scorers; by default accuracy.
    callbacks : sequence of Callback or None
        Those of `chainrule.training`; scikit-learn's are set by ``set_callbacks`` (1.9).
    engine : str
        What takes the steps of training; see `chainrule.training.fit`.

    Attributes
    ----------
    classes_ : array
        In order, or the numbers of the labels.
    coefs_ : list of array of shape (in, out)
        Weights of the layers. What is put here is what predicts.
    intercepts_ : list of array of shape (out,)
    loss_, best_loss_ : float
        Of the last epoch, and the least; the latter is None with early stopping.
    loss_curve_ : list of float
        Loss of each epoch, as the network was at each step.
    validation_loss_curve_ : list of float
        On the rows that are held out or given as such, at each epoch's end.
    validation_scores_, best_validation_score_ : list of float, float
        Of early stopping; else None.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen since the first.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.
    network_ : Module
        The network, which maps rows to outputs before their activation.
    history_ : History
        All that was noted of the last fit by steps.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    >>> xor = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0)
    >>> xor.fit(X, ["no", "yes", "yes", "no"]).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    _numeric_targets = False

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, solver: Any = "adam",
        alpha: float = 0.0001, batch_size: int | str = "auto", learning_rate: Any = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: Any = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: float = 10,
        max_fun: int = 15000, loss: Any = "log_loss", class_weight: Any = None,
        dropout: Any = 0.0, normalization: str | None = None, categorical_features: Any = None,
        scoring: Any = None, callbacks: Any = None, engine: str = "auto",
    ) -> None:  # fmt: skip
        self.__dict__.update(stored(locals()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @stochastic
    @with_callbacks
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch more.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix, shape (n, d)
        y : array_like, shape (n,) or (n, k)
        sample_weight : array_like, shape (n,), optional
        classes : array_like, optional
            All classes that there will be; needed at the first call.

        Returns
        -------
        self
        """
        known = plain_targets(classes)
        if known is not None and not hasattr(self, "classes_"):
            self.classes_ = np.unique(known)
        elif classes is not None or not hasattr(self, "classes_"):
            borrow("sklearn.utils.multiclass", "_check_partial_fit_first_call")(self, classes)
        return self._fit(X, y, sample_weight, once=True)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row, shape (n,), or 0 and 1 for labels, (n, k)."""
        outputs = self._outputs(X)
        return self._predicted(outputs)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label, shape (n, k)."""
        outputs = self._outputs(X)
        found = self._heads.finish(outputs)
        if not self._labels and len(self.classes_) == 1:
            found = np.ones_like(found)
        elif not self._labels and found.shape[1] == 1:
            found = np.concatenate([1.0 - found, found], axis=1)
        return found.astype(self.coefs_[0].dtype, copy=False)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    # What MLP asks for --------------------------------------------------------------------------

    @property
    def _stratified(self) -> bool:
        return self.n_outputs_ == 1 and not self._labels

    def _learn_targets(self, y: Array, first: bool, incremental: bool) -> None:
        kind = kind_of_classes(y)
        if kind == "multiclass-multioutput":
            raise DataError("targets of several columns are labels: 0 or 1 in each")
        labels = y.shape[1] if kind.startswith("multilabel") else 0
        if not labels:
            y = one_column(y, warn=first or incremental)
        if not hasattr(self, "classes_") or (first and not incremental):
            self.classes_ = np.arange(labels) if labels else np.unique(y)
            self._labels = labels
            return
        if not hasattr(self, "_labels"):
            self._labels = labels
        if labels != self._labels:
            raise DataError(f"y has {labels} labels, and {self._labels} in the call to fit before")
        if not labels:
            self._compare(np.unique(y), incremental)

    def _compare(self, classes: Array, incremental: bool) -> None:
        if not incremental and set(classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if not set(classes) <= set(self.classes_):
            raise DataError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _make_heads(self, y: Any) -> Heads:
        return class_heads(self.loss, len(self.classes_), self._labels)

    def _encoded(self, y: Array, dtype: Any) -> list[Array]:
        if self._labels:
            return [y.astype(dtype)]
        codes = np.searchsorted(self.classes_, y.reshape(-1))
        if len(self.classes_) <= 2:
            return [codes[:, None].astype(dtype)]
        return [codes]

    def _predicted(self, outputs: Array) -> Array:
        if self._labels:
            return (outputs > 0).astype(np.int64)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(outputs))
        if outputs.shape[1] == 1:
            return np.asarray(self.classes_[(outputs[:, 0] > 0).astype(int)])
        return np.asarray(self.classes_[outputs.argmax(axis=1)])
