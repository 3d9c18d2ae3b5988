"""MNIST with two hidden layers of 800 units and dropout: the error on the test images.

    python benchmarks/mnist.py              # 30 epochs
    python benchmarks/mnist.py --epochs 10 --data FOLDER

FOLDER holds the four .gz files. The network and its dropout are those of Srivastava et al.,
"Dropout" (JMLR 2014), section 6.1.1; the learning rate of Adam falls along a cosine.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
from real_data import DATA

from chainrule import nn, optim, training
from chainrule.training.metrics import accuracy


def read(folder, name):
    """Return the array of an IDX file: two zero bytes, type, number of axes, their lengths."""
    data = gzip.decompress((folder / f"{name}.gz").read_bytes())
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def rows(folder, part):
    """Return images as rows of numbers between 0 and 1, and their classes."""
    images = read(folder, f"{part}-images-idx3-ubyte").reshape(-1, 784)
    return images.astype(np.float32) / 255, read(folder, f"{part}-labels-idx1-ubyte").astype(int)


def network(seed, width=800):
    """Return 784-width-width-10 with dropout of inputs and of hidden units."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Dropout(0.2), nn.Linear(784, width, rng), nn.Activation("relu"),
        nn.Dropout(0.5), nn.Linear(width, width, rng), nn.Activation("relu"),
        nn.Dropout(0.5), nn.Linear(width, 10, rng),
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA / "mnist")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    X, y = rows(options.data, "train")
    steps = options.epochs * -(-len(X) // 128)
    model, history = training.fit(
        network(options.seed), (X, y), loss=nn.cross_entropy, optimizer=optim.Adam(lr=1e-3),
        epochs=options.epochs, batch_size=128, schedule=optim.Cosine(steps), seed=options.seed,
        progress=2,
    )  # fmt: skip
    X, y = rows(options.data, "t10k")
    wrong = 1 - accuracy(y, np.argmax(training.predict(model, X), axis=1))
    print(f"{sum(history['seconds']):.0f} s, {100 * wrong:.2f} % of {len(y)} test images wrong")


if __name__ == "__main__":
    main()
