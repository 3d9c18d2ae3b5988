"""What PyTorch's adaptive softmax gives, and what writes it to a file beside.

``python tests/nn/adaptive_softmax_of_torch.py``, with PyTorch installed, writes the file anew.
"""

import json
from pathlib import Path

import numpy as np


def main() -> None:
    """Write inputs, log-probabilities, loss and gradient."""
    import torch

    torch.manual_seed(0)
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [4, 8], div_value=2.0).double()
    x = torch.randn(7, 8, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0, 3, 4, 7, 8, 11, 5])
    loss = layer(x, targets).loss
    loss.backward()
    arrays = {"x": x, "head": layer.head.weight, "targets": targets, "gradient": x.grad}
    for i, tail in enumerate(layer.tail):
        arrays |= {f"down{i}": tail[0].weight, f"up{i}": tail[1].weight}
    arrays["log_prob"] = layer.log_prob(x)
    document = {
        "torch": torch.__version__,
        "cutoffs": [4, 8],
        "loss": float(loss.detach()),
        "arrays": {k: np.asarray(v.detach()).tolist() for k, v in arrays.items()},
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
