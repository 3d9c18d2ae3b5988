"""Write ``docs/estimators.md``: the counts of scikit-learn's checks and tests, from a run of all.

python tests/estimators/counts.py
"""

import platform
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.utils.estimator_checks import check_estimator
from test_checks import OTHERS, QUICK, instances
from test_sklearn_mlp import EXCEPTED

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "estimators.md"
HEAD = """# What scikit-learn says of the estimators

Written by `make estimators`, of scikit-learn {sklearn}, NumPy {numpy} and Python {python}.

## The checks of `parametrize_with_checks`

No failure is expected of any estimator; a check is skipped by scikit-learn itself. The estimators
do not inherit from its `BaseEstimator`, which would have to be imported for that: `check_estimator`
says so in a warning.

| estimator | passed | failed | skipped |
|---|---|---|---|
"""
TESTS = """
## scikit-learn's tests of its MLP, with ours in its place

`sklearn.neural_network.tests.test_mlp`, executed with our classes in the places of theirs:
{passed} passed, {failed} failed, {excepted} excepted.

| excepted | why |
|---|---|
"""


def checks():
    """Yield a row of the table for each estimator, and the number of failures."""
    for estimator in instances(QUICK) + instances(OTHERS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = Counter(
                result["status"]
                for result in check_estimator(estimator, on_skip=None, on_fail=None)
            )
        failed = found["failed"] + found["xfail"]
        yield f"| `{estimator!r}` | {found['passed']} | {failed} | {found['skipped']} |\n", failed


class Outcomes:
    """Counts what pytest reports."""

    def __init__(self):
        self.found = Counter()

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            excepted = report.skipped and hasattr(report, "wasxfail")
            self.found["excepted" if excepted else report.outcome] += 1


def main():
    versions = {
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    rows, failures = zip(*checks(), strict=True)
    outcomes = Outcomes()
    pytest.main(["-q", str(HERE / "test_sklearn_mlp.py")], plugins=[outcomes])
    counts = {name: outcomes.found[name] for name in ("passed", "failed", "excepted")}
    reasons = [f"| `{name}` | {reason} |\n" for name, reason in EXCEPTED.items()]
    text = HEAD.format(**versions) + "".join(rows) + TESTS.format(**counts) + "".join(reasons)
    PAGE.write_text(text, encoding="utf-8")
    return sum(failures) + counts["failed"]


if __name__ == "__main__":
    sys.exit(main())
