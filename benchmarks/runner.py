"""Times contenders side by side: a process each, agreement checked first, blocks in turn.

A noisy machine slows whoever happens to be running. So the contenders run a block each, in an
order shuffled anew every round, and two of them are compared by the median of their
round-by-round ratios, not by times taken minutes apart.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from roofline import Limits, Phase, measure

OURS = "chainrule"
PAUSE = 0.01
"""Seconds before each block, in which the last contender's threads go to sleep."""

Step = Callable[[], Sequence[float]]


def nothing() -> list[float]:
    """Return no numbers."""
    return []


@dataclass(frozen=True)
class Contender:
    """What is timed, and what is known of it.

    Attributes
    ----------
    step : callable
        What is called again and again. It returns its numbers, so that they can be compared.
    units : float
        How many units of the workload one call does; times are given for one.
    final : callable
        More numbers to be compared, asked for once, after the first call; not timed.
    other : bool
        Whether its mathematics is another: it is marked, and compared for speed only.
    clock : callable, optional
        Returns the seconds of one unit, for libraries that run a loop of their own; `step` is
        not timed then.
    """

    step: Step
    units: float = 1
    final: Step = nothing
    other: bool = False
    clock: Callable[[], float] | None = None


Build = Callable[[], Contender | Step]


@dataclass(frozen=True)
class Workload:
    """One piece of work that every contender does.

    Attributes
    ----------
    title : str
        What one unit is.
    contenders : dict
        Name -> function that imports the library, prepares, and returns what is to be timed: a
        `Contender`, or its step.
    tolerance : float
        Largest relative distance from chainrule's numbers.
    phases : sequence of Phase
        Operations and bytes of one unit, for its roofline.
    key : str
        A short name, for the summary and the plot.
    """

    title: str
    contenders: dict[str, Build]
    tolerance: float = 1e-9
    phases: Sequence[Phase] = ()
    key: str = ""


@dataclass
class Worker:
    """A contender in a process of its own: a line with a request in, a line of JSON out."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

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
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.communicate()


class Served:
    """A contender as its worker answers for it."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def check(self) -> dict[str, Any]:
        """Build the contender, call it once; return its numbers and what is known of it."""
        start = time.perf_counter()
        built = self.build()
        self.contender = built if isinstance(built, Contender) else Contender(built)
        numbers = list(self.contender.step())
        first = time.perf_counter() - start
        numbers = [float(x) for x in [*numbers, *self.contender.final()]]
        return {"numbers": numbers, "first": first, "other": self.contender.other}

    def seconds(self, block: float) -> float:
        """Return the seconds of one unit, over a block of about so many seconds."""
        if self.contender.clock:
            return self.contender.clock()
        return timed(self.contender.step, block) / self.contender.units


def serve(build: Build, channel: TextIO) -> None:
    """Answer the driver: ``check`` returns the step's numbers, ``seconds`` times one block."""
    served = Served(build)
    for line in sys.stdin:
        request = json.loads(line)
        if "check" in request:
            answer: dict[str, Any] = checked(served)
        else:
            answer = {"seconds": served.seconds(request["seconds"])}
        print(json.dumps(answer), file=channel, flush=True)


def checked(served: Served) -> dict[str, Any]:
    """Return the check's answer; of a library that is not there or fails, the reason."""
    try:
        return served.check()
    except ImportError as error:
        return {"missing": str(error)}
    except Exception as error:
        traceback.print_exc()
        reason = (str(error).splitlines() or [""])[0]
        return {"missing": f"{type(error).__name__}: {reason}"[:160]}


def timed(step: Step, seconds: float) -> float:
    """Return the seconds one step takes, over a block of about `seconds`."""
    start = now = time.perf_counter()
    steps = 0
    while now - start < seconds:
        step()
        steps += 1
        now = time.perf_counter()
    return (now - start) / steps


def agreeing(workers: Sequence[Worker], tolerance: float) -> tuple[list[Worker], dict[str, str]]:
    """Return the workers that run, and why others do not; raise if numbers differ from ours."""
    kept, missing = [], {}
    reference: list[float] = []
    for worker in sorted(workers, key=lambda w: w.name != OURS):
        answer = worker.ask(check=True)
        if "missing" in answer:
            if worker.name == OURS:
                raise RuntimeError(f"{OURS} does not run: {answer['missing']}")
            print(f"  {worker.name} is left out: {answer['missing']}")
            missing[worker.name] = answer["missing"]
            worker.stop()
            continue
        numbers = answer.pop("numbers")
        worker.known = answer
        if not answer["other"]:
            reference = reference or numbers
            answer["distance"] = away = distance(numbers, reference)
            if not away <= tolerance:
                raise RuntimeError(f"{worker.name} is {away:.1e} away from chainrule's numbers")
        kept.append(worker)
    return kept, missing


def distance(numbers: Sequence[float], reference: Sequence[float]) -> float:
    """Return the largest relative distance; NaN if there is a NaN."""
    pairs = zip(numbers, reference, strict=True)
    apart = [abs(a - b) / max(abs(b), 1e-300) for a, b in pairs]
    return math.nan if any(map(math.isnan, apart)) else max(apart, default=0.0)


def run(
    script: str,
    position: int,
    workload: Workload,
    rounds: int,
    block: float,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Time every contender of a workload, print the table and return it."""
    print(f"\n{workload.title}")
    workers = [Worker.start(script, position, name) for name in workload.contenders]
    try:
        kept, missing = agreeing(workers, workload.tolerance)
        shuffle = random.Random(0).shuffle
        for worker in kept:
            worker.ask(seconds=block)
        for _ in range(rounds):
            order = list(kept)
            shuffle(order)
            for worker in order:
                time.sleep(PAUSE)
                worker.seconds.append(worker.ask(seconds=block)["seconds"])
    finally:
        for worker in workers:
            worker.stop()
    bound = limits.seconds(workload.phases) if limits and workload.phases else None
    found = {
        "title": workload.title,
        "key": workload.key or workload.title,
        "tolerance": workload.tolerance,
        "roofline": bound,
        "contenders": [row(worker, kept, bound) for worker in kept],
        "missing": missing,
    }
    found["contenders"].sort(key=lambda line: line["median"])
    show(found)
    return found


def row(worker: Worker, workers: Sequence[Worker], bound: float | None) -> dict[str, Any]:
    """Return the line of one contender."""
    ours = next(w for w in workers if w.name == OURS)
    shortest = min(worker.seconds)
    return {
        "name": worker.name,
        "min": shortest,
        "median": median(worker.seconds),
        "ratio": median(a / b for a, b in zip(worker.seconds, ours.seconds, strict=True)),
        "of_roofline": bound / shortest if bound else None,
        **worker.known,
    }


def show(found: dict[str, Any]) -> None:
    """Print the table of one workload."""
    if found["roofline"]:
        print(f"  roofline {readable(found['roofline'])}")
    head = ("contender", "min", "median", "/ chainrule", "of roofline", "first call", "distance")
    print("  {:<22}{:>10}{:>10}{:>13}{:>13}{:>12}{:>10}".format(*head))
    for line in found["contenders"]:
        name = line["name"] + " *" * line["other"]
        share = f"{line['of_roofline']:.2g}" if line["of_roofline"] else ""
        away = "" if line["other"] else f"{line['distance']:.0e}"
        print(
            f"  {name:<22}{readable(line['min']):>10}{readable(line['median']):>10}"
            f"{line['ratio']:>13.2f}{share:>13}{line['first']:>10.2f} s{away:>10}"
        )
    if any(line["other"] for line in found["contenders"]):
        print("  * other mathematics, compared for speed only")


def readable(seconds: float) -> str:
    """Return a time with a unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def options_of(rounds: int = 7) -> argparse.Namespace:
    """Return what the command line of every benchmark script says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--block", type=float, default=0.15, help="seconds a contender a round")
    parser.add_argument("--match", default="", help="only workloads whose title begins with this")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--limits", type=Path, help="what roofline.py --json wrote; else measured")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def write(path: Path | None, results: Any) -> None:
    """Write results as JSON, if there is a file to write to."""
    if path:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def main(script: str, workloads: Sequence[Workload], rounds: int = 7) -> None:
    """Run a benchmark script: as the driver, or with ``--worker`` as one contender."""
    options = options_of(rounds)
    if options.worker:
        position, name = options.worker
        channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a library prints does not end up among the answers
        serve(workloads[int(position)].contenders[name], channel)
        return
    limits = None
    if any(workload.phases for workload in workloads):
        limits = Limits.read(options.limits) if options.limits else measure()
    results = [
        run(script, position, workload, options.rounds, options.block, limits)
        for position, workload in enumerate(workloads)
        if workload.title.startswith(options.match)
    ]
    write(options.json, results)
