"""Tables and batches: from a file or a data frame to the arrays that a network trains on.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.io import Limits
from chainrule.lazy import lazily

if TYPE_CHECKING:
    from chainrule.data.columns import ColumnType, column_types
    from chainrule.data.encoder import TableEncoder
    from chainrule.data.ordering import batches, permutation, split, spread_rows
    from chainrule.data.projection import Projection, principal_components
    from chainrule.data.ragged import AlikeOrder, Ragged
    from chainrule.data.reader import read_blocks, read_table
    from chainrule.data.scaling import SCALINGS, QuantileScaler, Scaler
    from chainrule.data.sets import load_digits, load_iris
    from chainrule.data.shuffle import BlockOrder
    from chainrule.data.table import Table, as_table
    from chainrule.data.target import Target, derive_target

_HOME = {
    "AlikeOrder": "ragged", "BlockOrder": "shuffle", "ColumnType": "columns",
    "Projection": "projection", "QuantileScaler": "scaling", "Ragged": "ragged",
    "SCALINGS": "scaling", "Scaler": "scaling", "Table": "table",
    "TableEncoder": "encoder", "Target": "target", "as_table": "table", "batches": "ordering",
    "column_types": "columns", "derive_target": "target", "load_digits": "sets",
    "load_iris": "sets", "permutation": "ordering", "principal_components": "projection",
    "read_blocks": "reader", "read_table": "reader", "split": "ordering",
    "spread_rows": "ordering",
}  # fmt: skip

__all__ = [
    "SCALINGS",
    "AlikeOrder",
    "BlockOrder",
    "ColumnType",
    "Limits",
    "Projection",
    "Ragged",
    "QuantileScaler",
    "Scaler",
    "Table",
    "TableEncoder",
    "Target",
    "as_table",
    "batches",
    "column_types",
    "derive_target",
    "load_digits",
    "load_iris",
    "permutation",
    "principal_components",
    "read_blocks",
    "read_table",
    "split",
    "spread_rows",
]

__getattr__ = lazily(__name__, _HOME)
