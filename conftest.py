"""What pytest leaves out: the modules that cannot be imported without Numba or JAX."""

from importlib.util import find_spec

NEEDS = {"functions.py": "numba", "jax_functions.py": "jax"}
collect_ignore = [f"src/chainrule/engines/{x}" for x, name in NEEDS.items() if not find_spec(name)]
