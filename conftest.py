"""What pytest leaves out: the module that cannot be imported without Numba."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("numba") else ["src/chainrule/engines/functions.py"]
