"""Files: written whole or not at all, and read as data only."""

from chainrule.io.atomic import atomic_folder, atomic_write, discard, remove_leftovers
from chainrule.io.documents import load_json, parse_json, save_json
from chainrule.io.locks import sole_writer
from chainrule.io.source import Limits, Lines, Source, open_lines, open_source
from chainrule.io.tensors import load_tensors, read_tensors, save_tensors, write_tensors

__all__ = [
    "Limits",
    "Lines",
    "Source",
    "atomic_folder",
    "atomic_write",
    "discard",
    "load_json",
    "load_tensors",
    "open_lines",
    "open_source",
    "parse_json",
    "read_tensors",
    "remove_leftovers",
    "save_json",
    "save_tensors",
    "sole_writer",
    "write_tensors",
]
