"""The computational graph: what an op is, what a Tensor records, and graphs as values."""

from chainrule.graph.aval import Array, Aval
from chainrule.graph.ir import Constant, Graph, Input, Node
from chainrule.graph.op import (
    REGISTRY,
    Composed,
    Kind,
    Op,
    composed,
    constant,
    elementwise,
    general,
    linear,
    multilinear,
    op,
)
from chainrule.graph.rewrite import Rewrite, rewrite
from chainrule.graph.sample import Sample
from chainrule.graph.tensor import Tensor
from chainrule.graph.trace import stop_gradient, trace

__all__ = [
    "REGISTRY",
    "Array",
    "Aval",
    "Composed",
    "Constant",
    "Graph",
    "Input",
    "Kind",
    "Node",
    "Op",
    "Rewrite",
    "Sample",
    "Tensor",
    "composed",
    "constant",
    "elementwise",
    "general",
    "linear",
    "multilinear",
    "op",
    "rewrite",
    "stop_gradient",
    "trace",
]
