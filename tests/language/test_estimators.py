"""What holds for every estimator of `chainrule.language`.

Whoever lists an estimator in ``language._ESTIMATORS`` puts tiny data for it into
``estimator_samples.SAMPLES``; nothing more is needed for all that follows.
"""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from estimator_samples import SAMPLES
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule import language
from chainrule.errors import ArgumentError, FileFormatError, NotFittedError
from chainrule.language import Saved

NAMES = sorted(language.ESTIMATORS)
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def fitted():
    made = {}

    def one(name):
        if name not in made:
            made[name] = SAMPLES[name].fitted(language.ESTIMATORS[name])
        return made[name]

    return one


def assert_same(actual, expected):
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_every_estimator_has_a_sample():
    assert sorted(SAMPLES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_constructor_stores_its_arguments_and_no_more(name):
    kind = language.ESTIMATORS[name]
    given = SAMPLES[name].arguments
    model = kind(**given)
    assert {key: model.get_params()[key] for key in given} == given
    assert set(vars(model)) == set(model.get_params(deep=False))
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(random_state=3).random_state == 3
    with pytest.raises(ArgumentError, match="no parameter 'nothing'"):
        model.set_params(nothing=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_changes_no_argument_and_returns_the_estimator(name):
    sample = SAMPLES[name]
    model = sample.made(language.ESTIMATORS[name])
    before = copy.deepcopy(model.get_params())
    assert model.fit(*copy.deepcopy(sample.data)) is model
    assert model.get_params() == before
    check_is_fitted(model)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_fitted_says_so(name):
    sample = SAMPLES[name]
    model = sample.made(language.ESTIMATORS[name])
    for method, arguments in sample.unfitted:
        with pytest.raises(NotFittedError, match="call fit first"):
            getattr(model, method)(*arguments)
    with pytest.raises(NotFittedError, match="call fit first"):
        model.save("never-written")
    assert not Path("never-written").exists()


@pytest.mark.parametrize("name", NAMES)
def test_arguments_out_of_range_are_refused_by_fit(name):
    sample, kind = SAMPLES[name], language.ESTIMATORS[name]
    wrong = [(key, bad) for key, allowed in kind.allowed.items() for bad in allowed.bad_values()]
    assert wrong
    for key, bad in wrong:
        with pytest.raises(ArgumentError, match=key):
            sample.fitted(kind, **{key: bad})
    for changed in sample.bad:
        with pytest.raises(ArgumentError):
            sample.fitted(kind, **changed)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(name, fitted):
    sample, kind = SAMPLES[name], language.ESTIMATORS[name]
    assert_same(sample.answers(sample.fitted(kind)), sample.answers(fitted(name)))
    other = sample.answers(sample.fitted(kind, random_state=1))
    assert any((a != b).any() for a, b in zip(other, sample.answers(fitted(name)), strict=True))


def test_hashes_of_strings_change_no_bit():
    code = "import estimator_samples as e; print([e.digest(name) for name in sorted(e.SAMPLES)])"

    def run(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        environment["PYTHONPATH"] = os.pathsep.join([str(HERE), *sys.path])
        return subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )

    first, second = [process.communicate(timeout=300)[0] for process in (run("0"), run("1"))]
    assert first
    assert first == second


@pytest.mark.parametrize("name", NAMES)
def test_a_file_gives_back_the_same_answers(name, fitted, tmp_path):
    sample, model, path = SAMPLES[name], fitted(name), tmp_path / "model.safetensors"
    model.save(path)
    for kind in (language.ESTIMATORS[name], Saved):
        loaded = kind.load(path)
        assert type(loaded) is type(model)
        assert repr(loaded) == repr(model)
        assert_same(sample.answers(loaded), sample.answers(model))
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_estimator_learns_again(name, fitted, tmp_path):
    sample, path = SAMPLES[name], tmp_path / "model.safetensors"
    fitted(name).save(path)
    loaded = Saved.load(path).fit(*sample.data)
    assert_same(sample.answers(loaded), sample.answers(fitted(name)))


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_cut_short_are_refused(name, fitted, tmp_path):
    whole, cut = tmp_path / "model.safetensors", tmp_path / "cut.safetensors"
    fitted(name).save(whole)
    data = whole.read_bytes()
    for size in (0, 7, 100, len(data) // 2, len(data) - 1):
        cut.write_bytes(data[:size])
        with pytest.raises(FileFormatError):
            Saved.load(cut)


@pytest.mark.parametrize("name", NAMES)
def test_another_estimator_does_not_load_it(name, fitted, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted(name).save(path)
    for other in NAMES:
        if other != name:
            with pytest.raises(FileFormatError, match=name):
                language.ESTIMATORS[other].load(path)


@pytest.mark.parametrize("name", NAMES)
def test_pickles_and_copies_answer_alike(name, fitted):
    sample, model = SAMPLES[name], fitted(name)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_same(sample.answers(other), sample.answers(model))


CLASSIFIERS = [
    name for name in NAMES if is_classifier(SAMPLES[name].made(language.ESTIMATORS[name]))
]


def test_there_are_classifiers():
    assert "TextClassifier" in CLASSIFIERS


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_work_within_scikit_learn(name):
    sample, kind = SAMPLES[name], language.ESTIMATORS[name]
    X, y = sample.data[0] * 2, sample.data[1] * 2
    folds = KFold(2)  # lists of tags are no classes that it could stratify
    scores = cross_val_score(sample.made(kind), X, y, cv=folds, error_score="raise")
    assert scores.shape == (2,)
    search = GridSearchCV(
        make_pipeline(sample.made(kind)), {f"{name.lower()}__random_state": [0, 1]}, cv=folds,
        error_score="raise",
    ).fit(X, y)  # fmt: skip
    assert len(search.predict(X)) == len(X)
