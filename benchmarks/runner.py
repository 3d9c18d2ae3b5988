"""Times contenders side by side: a process each, agreement checked first, blocks in turn.

A noisy machine slows whoever happens to be running. So the contenders run a block each, in an
order shuffled anew every round, and two of them are compared by the median of their
round-by-round ratios, not by times taken minutes apart.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

OURS = "chainrule"
Step = Callable[[], Sequence[float]]


@dataclass(frozen=True)
class Workload:
    """One piece of work that every contender does.

    Attributes
    ----------
    title : str
        What one step is.
    contenders : dict
        Name -> function that imports the library, prepares, and returns the step to be timed.
        A step returns its numbers, so that they can be compared.
    tolerance : float
        Largest relative distance from chainrule's numbers.
    """

    title: str
    contenders: dict[str, Callable[[], Step]]
    tolerance: float = 1e-9


@dataclass
class Worker:
    """A contender in a process of its own: a line with a request in, a line of JSON out."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, script: str, workload: int, name: str) -> Worker:
        """Start the script again as the worker of one contender."""
        command = [sys.executable, script, "--worker", str(workload), name]
        pipe = subprocess.PIPE
        return cls(name, subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))

    def ask(self, **request: Any) -> Any:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker of {self.name} ended; its error stands above")
        return json.loads(answer)

    def stop(self) -> None:
        """Close the worker's input, which ends it, and wait."""
        self.process.communicate()


def serve(build: Callable[[], Step]) -> None:
    """Answer the driver: ``check`` returns the step's numbers, ``seconds`` times one block."""
    try:
        step = build()
    except ImportError as error:
        step, missing = None, str(error)
    for line in sys.stdin:
        request = json.loads(line)
        if step is None:
            answer: Any = {"missing": missing}
        elif "check" in request:
            answer = {"numbers": [float(number) for number in step()]}
        else:
            answer = {"seconds": timed(step, request["seconds"])}
        print(json.dumps(answer), flush=True)


def timed(step: Step, seconds: float) -> float:
    """Return the seconds one step takes, over a block of about `seconds`."""
    start = now = time.perf_counter()
    steps = 0
    while now - start < seconds:
        step()
        steps += 1
        now = time.perf_counter()
    return (now - start) / steps


def agreeing(workers: Sequence[Worker], tolerance: float) -> list[Worker]:
    """Return the workers that are installed; raise if one computes other numbers than ours."""
    kept = []
    reference: list[float] = []
    for worker in sorted(workers, key=lambda w: w.name != OURS):
        answer = worker.ask(check=True)
        if "missing" in answer:
            print(f"  {worker.name} is left out: {answer['missing']}")
            worker.stop()
            continue
        reference = reference or answer["numbers"]
        pairs = zip(answer["numbers"], reference, strict=True)
        distance = max(abs(a - b) / max(abs(b), 1e-300) for a, b in pairs)
        if not distance <= tolerance:
            raise RuntimeError(f"{worker.name} is {distance:.1e} away from chainrule's numbers")
        kept.append(worker)
    return kept


def run(script: str, position: int, workload: Workload, rounds: int, block: float) -> None:
    """Time every contender of a workload and print the table."""
    print(f"\n{workload.title}")
    workers = [Worker.start(script, position, name) for name in workload.contenders]
    workers = agreeing(workers, workload.tolerance)
    shuffle = random.Random(0).shuffle
    for worker in workers:
        worker.ask(seconds=block)
    for _ in range(rounds):
        order = list(workers)
        shuffle(order)
        for worker in order:
            worker.seconds.append(worker.ask(seconds=block)["seconds"])
    ours = next(worker for worker in workers if worker.name == OURS)
    print(f"  {'contender':<22}{'min':>12}{'median':>12}{'/ chainrule':>13}")
    for worker in sorted(workers, key=lambda w: median(w.seconds)):
        ratio = median(a / b for a, b in zip(worker.seconds, ours.seconds, strict=True))
        shortest, middle = readable(min(worker.seconds)), readable(median(worker.seconds))
        print(f"  {worker.name:<22}{shortest:>12}{middle:>12}{ratio:>13.2f}")
        worker.stop()


def readable(seconds: float) -> str:
    """Return a time with a unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def main(script: str, workloads: Sequence[Workload]) -> None:
    """Run a benchmark script: as the driver, or with ``--worker`` as one contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--block", type=float, default=0.15, help="seconds a contender a round")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        position, name = options.worker
        serve(workloads[int(position)].contenders[name])
        return
    for position, workload in enumerate(workloads):
        run(script, position, workload, options.rounds, options.block)
