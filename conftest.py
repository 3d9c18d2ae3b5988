"""What pytest leaves out: the modules that cannot be imported without Numba or JAX."""

from importlib.util import find_spec

NUMBA = ("calls", "functions", "kernel_loops", "kernels", "meeting", "microkernel")
NEEDS = {**{f"{name}.py": "numba" for name in NUMBA}, "jax_functions.py": "jax"}
collect_ignore = [f"src/chainrule/engines/{x}" for x, name in NEEDS.items() if not find_spec(name)]
