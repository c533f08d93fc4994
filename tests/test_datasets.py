"""The space of datasets: its blocks by definition, and every refusal."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

import lib.linear.datasets
from lib.linear.datasets import Dataset
from tests.spaces import datasets


def test_order_of_patterns():
    patterns = Dataset(n_x=3).compositional_inputs
    assert patterns.T.tolist() == [list(signs) for signs in itertools.product([1, -1], repeat=3)]


@settings(deadline=None, max_examples=40)
@given(datasets())
def test_blocks(data):
    identity = data.r * np.eye(data.P)
    X = np.vstack([data.compositional_inputs, *[identity] * data.k_x])
    Y = np.vstack([data.compositional_inputs[: data.n_y], *[identity] * data.k_y])
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.Y, Y)
    assert (data.P, data.inputs, data.outputs) == (2**data.n_x, len(X), len(Y))
    np.testing.assert_allclose(data.input_covariance, X @ X.T / data.P, atol=1e-12)
    np.testing.assert_allclose(data.cross_covariance, Y @ X.T / data.P, atol=1e-12)
    np.testing.assert_allclose(
        data.compositional_inputs @ data.compositional_inputs.T, data.P * np.eye(data.n_x)
    )


def test_a_dataset_is_frozen_and_compares_by_value():
    data = Dataset()
    assert data == Dataset(3, 1, 3, 1, 1.0)
    assert hash(data) == hash(Dataset(r=np.float64(1)))
    with pytest.raises(AttributeError):
        data.n_x = 4
    with pytest.raises(ValueError, match="read-only"):
        data.compositional_inputs[0, 0] = 5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_x": 0, "n_y": 0}, "n_x = 0 is below 1"),
        ({"n_x": 63}, "n_x = 63 is above 62"),
        ({"n_y": -1}, r"n_y = -1 is outside 0..n_x = 0..3"),
        ({"n_y": 4}, r"n_y = 4 is outside 0..n_x = 0..3"),
        ({"k_x": -1}, "k_x = -1 is negative; use 0"),
        ({"k_y": -2}, "k_y = -2 is negative; use 0"),
        ({"r": 0}, "r = 0 is not finite and positive"),
        ({"r": -1.0}, "r = -1.0 is not finite and positive"),
        ({"r": float("nan")}, "r = nan is not finite"),
        ({"r": float("inf")}, "r = inf is not finite"),
        ({"r": "1"}, "r = '1' is not a real number"),
        ({"r": 1j}, "is not a real number"),
        ({"r": True}, "r = True is not a real number"),
        ({"n_x": 3.0}, "n_x = 3.0 is not an integer"),
        ({"k_x": "3"}, "k_x = '3' is not an integer"),
        ({"n_y": True}, "n_y = True is not an integer"),
        ({"k_y": None}, "k_y = None is not an integer"),
        ({"n_y": 0, "k_y": 0}, "n_y = 0 and k_y = 0 leave no output"),
    ],
)
def test_refusals(parameters, message):
    with pytest.raises(ValueError, match=message):
        Dataset(**parameters)


@pytest.mark.parametrize("name", ["X", "Y", "input_covariance", "cross_covariance"])
def test_a_dense_matrix_that_does_not_fit_is_refused(name):
    data = Dataset(n_x=24)
    with pytest.raises(
        ValueError, match=r"n_x = 24 has .* GiB are free; lower n_x, or use lib.linear.theory"
    ):
        getattr(data, name)


def test_the_memory_that_counts_is_the_free_one(monkeypatch):
    class Free:
        available = 8 * 27 * 8 - 1

    monkeypatch.setattr(lib.linear.datasets.psutil, "virtual_memory", lambda: Free)
    with pytest.raises(ValueError, match="27 x 8 entries"):
        _ = Dataset().X
    Free.available += 1
    assert Dataset().X.shape == (27, 8)
