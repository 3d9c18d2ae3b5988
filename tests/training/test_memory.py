"""Training holds each parameter four times at most, and grows by nothing."""

import subprocess
import sys

import pytest

PEAK = """
import resource, sys, numpy as np
from chainrule import nn, optim
from chainrule.training import fit

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

width, depth, rows = 1200, 8, 64
X, y = np.zeros((rows, width), np.float32), np.zeros((rows, width), np.float32)
small = nn.Sequential(nn.Linear(4, 4, rng=0))
options = dict(loss=nn.mse, optimizer=optim.Adam(), batch_size=rows, **eval(sys.argv[1]))
fit(small, (X[:, :4], y[:, :4]), epochs=2, **options)
model = nn.Sequential(*(nn.Linear(width, width, rng=0) for _ in range(depth)))
parameters = 4 * nn.count_parameters(model)
activations = 4 * rows * width * depth * 2
before = resident()
fit(model, (X, y), epochs=3, **options)
with open("/proc/self/status") as file:  # ru_maxrss would count the parent's memory too
    peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
print((peak - before) / (4 * parameters + activations))
"""

GROWTH = """
import resource, numpy as np
from chainrule import nn, optim
from chainrule.training import Callback, fit

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

class Watch(Callback):
    def on_step_end(self, state):
        if state.step == 1000:
            self.before = resident()
        self.after = resident() if state.step % 1000 == 0 else None

X = np.random.default_rng(0).normal(size=(800, 8))
model = nn.Sequential(nn.BatchNorm(8), nn.Dropout(0.1), nn.Linear(8, 1, rng=1))
watch = Watch()
fit(model, (X, X[:, :1]), loss=nn.mse, optimizer=optim.Adam(), epochs=110, batch_size=8,
    callbacks=[watch], validation=(X, X[:, :1]))
print(watch.after - watch.before)
"""


def child(program, *arguments):
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return float(result.stdout)


@pytest.mark.parametrize("options", ["{}", "{'clip_norm': 1e-3}", "{'engine': 'numpy'}"])
def test_the_peak(options):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    assert child(PEAK, options) < 1.2


def test_ten_thousand_steps_grow_nothing():
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    assert child(GROWTH) < 5e6
