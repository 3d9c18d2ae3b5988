"""Where PyTorch's optimizers end, and what writes it to ``torch_reference.json``.

``python tests/optim/torch_reference.py``, with PyTorch installed, writes the file anew.
"""

import importlib.metadata
import json
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np

from chainrule import optim

FILE = Path(__file__).with_name("torch_reference.json")
STEPS = 50
START = np.array([[1.5, -2.0, 0.25], [-0.5, 1.0, 3.0]])
CURVE = np.array([[0.1, 1.0, 3.0], [0.5, 2.0, 0.2]])
NOT_IN_TORCH = (optim.LAMB, optim.Lion, optim.Lookahead)


def configurations():
    """Every sample of every optimizer."""
    kinds = {**optim.OPTIMIZERS, **optim.WRAPPERS}.values()
    return [kind(**sample) for kind in kinds for sample in kind.samples]


def in_torch():
    """The samples that PyTorch has."""
    return [x for x in configurations() if not any(isinstance(y, NOT_IN_TORCH) for y in x.nested())]


def gradient(p):
    """Of a bent valley: sum(CURVE * p**4 / 4 + sin(p))."""
    return CURVE * p**3 + np.cos(p)


def descend(opt, dtype=np.float64, steps=STEPS):
    """Return the parameters with which chainrule would predict after some steps."""
    p = START.astype(dtype)
    state = opt.init(p)
    for _ in range(steps):
        p, state = opt.update(p, gradient(p).astype(dtype), state)
    return opt.result(p, state["slots"][""])


def torch_descends(opt, exact=True):
    """Return the same of PyTorch; Muon's iteration in float64 if `exact`, else in bfloat16."""
    import torch

    module = torch.nn.ParameterDict({"p": torch.from_numpy(START.copy())})
    average = opt if isinstance(opt, optim.EMA | optim.SWA) else None
    inner = average.inner if average else opt
    config = {k: v for k, v in inner.config().items() if k not in ("optimizer", "other")}
    theirs = getattr(torch.optim, type(inner).__name__)(module.parameters(), **config)
    averaged = (
        None
        if average is None
        else torch.optim.swa_utils.AveragedModel(module, avg_fn=_average(average))
    )
    for step in range(1, STEPS + 1):
        p = module["p"]
        p.grad = torch.from_numpy(gradient(p.detach().numpy()))
        wide = mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone)
        with wide if exact else nullcontext():
            theirs.step()
        if (
            average
            and step > average.after_steps
            and (step - average.after_steps) % average.every == 0
        ):
            averaged.update_parameters(module)
    last = averaged.module if average else module
    return last["p"].detach().numpy()


def _average(opt):
    from torch.optim import swa_utils

    return swa_utils.get_ema_avg_fn(opt.decay) if isinstance(opt, optim.EMA) else None


def main():
    """Write the file."""
    import torch

    torch.set_default_dtype(torch.float64)  # of what torch.optim keeps as single numbers
    document = {
        "torch": importlib.metadata.version("torch"),
        "ends": [[x.config(), torch_descends(x).tolist()] for x in in_torch()],
    }
    lines = ",\n".join(json.dumps(pair) for pair in document["ends"])
    FILE.write_text(
        f'{{"torch": "{document["torch"]}", "ends": [\n{lines}\n]}}\n', encoding="utf-8"
    )


if __name__ == "__main__":
    main()
