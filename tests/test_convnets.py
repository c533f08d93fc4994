"""The stacked convolutional networks against plain torch modules and autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lib.convolutional import digits
from lib.convolutional.convolution import Convolution
from lib.convolutional.networks import Network
from lib.convolutional.settings import Settings

SMALL = dict(channels=3, kernels=((2, 4), (3, 3)), batch=5, epochs=2, precision="float64", init_std=0.2)
SIZE = (6, 15)


def network(architecture, seeds=1, count=2, r=3.0, **changes):
    return Network(Settings(architecture, **(SMALL | changes)), SIZE, count, r, seeds)


def batches(runs, seed=0, count=2, n=5):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((runs, n, *SIZE))), torch.from_numpy(
        rng.integers(10, size=(runs, n, count))
    )


class Flatten(nn.Module):
    """Rows, columns, filters: the order of the stacked networks' features."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def plain(net, run):
    """The modules of one run as plain torch modules with the same weights."""
    modules = []
    for m, (readout, offset) in enumerate(zip(net.readouts, net.offsets)):
        layers = []
        for kernels, biases in zip(net.kernels, net.biases):
            kernel, bias = kernels[m, run], biases[m, run]
            layer = nn.Conv2d(kernel.shape[2], kernel.shape[3], kernel.shape[:2], dtype=kernel.dtype)
            layer.weight.data, layer.bias.data = kernel.permute(3, 2, 0, 1).clone(), bias.clone()
            layers += [layer, nn.ReLU()]
        linear = nn.Linear(*readout.shape[1:], dtype=readout.dtype)
        linear.weight.data, linear.bias.data = readout[run].T.clone(), offset[run, 0].clone()
        modules.append(nn.Sequential(*layers, Flatten(), linear))
    return nn.ModuleList(modules)


def targets(labels, r):
    made = digits.Composites(np.zeros((len(labels), 1, 1), np.float32), labels.numpy(), r)
    return torch.from_numpy(np.hstack([made.compositional, made.noncompositional]))


def outputs(modules, images):
    return torch.cat([module(images[:, None]) for module in modules], dim=1)


def plain_step(modules, images, labels, r, rate, optimizer=None):
    optimizer = optimizer or torch.optim.SGD(modules.parameters(), lr=rate)
    loss = ((outputs(modules, images) - targets(labels, r)) ** 2).sum(1).mean()
    modules.zero_grad()
    loss.backward()
    optimizer.step()


def gap(net, run, modules):
    """Largest difference of any weight, in units of the largest weight of its kind."""
    now = plain(net, run).state_dict()
    return max(float((now[k] - v).abs().max() / v.abs().max()) for k, v in modules.state_dict().items())


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_steps_of_adam_are_those_of_a_plain_module(architecture):
    net = network(architecture, seeds=2, optimiser="adam", learning_rate=1e-2)
    references = [plain(net, run) for run in range(2)]
    optimisers = [torch.optim.Adam(reference.parameters(), lr=1e-2) for reference in references]
    for step in range(3):
        images, labels = batches(2, seed=step)
        net.step(images, labels)
        for run, (reference, own) in enumerate(zip(references, optimisers)):
            plain_step(reference, images[run], labels[run], 3.0, None, own)
            assert gap(net, run, reference) < 1e-9
    taken = net.take([1])
    assert taken.optimiser is not net.optimiser
    assert not taken.optimiser.state


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_steps_are_those_of_a_plain_module_with_autograd(architecture):
    net = network(architecture, seeds=2)
    references = [plain(net, run) for run in range(2)]
    before = [parameter.clone() for parameter in net.parameters]
    for step in range(3):
        images, labels = batches(2, seed=step)
        for run, modules in enumerate(references):
            shown = outputs(modules, images[run]).detach()
            np.testing.assert_allclose(net.predict(images[run])[run], shown, rtol=0, atol=1e-12)
            plain_step(modules, images[run], labels[run], 3.0, 2e-3)
        net.step(images, labels)
        assert max(gap(net, run, modules) for run, modules in enumerate(references)) < 1e-12
    for parameter, old in zip(net.parameters, before):  # and the step moved every stack
        assert (parameter - old).abs().max() > 1e-7


def test_a_wrong_gradient_is_noticed():
    net = network("dense")
    modules, (images, labels) = plain(net, 0), batches(1)
    plain_step(modules, images[0], labels[0], 3.0, 2e-3)
    net.r = 3.001
    net.step(images, labels)
    assert gap(net, 0, modules) > 1e-7


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_convolution_and_its_gradients_are_exact(data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 12))
    kernel = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    runs, batch, channels, filters = (data.draw(st.integers(1, 3)) for _ in range(4))
    rng = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    x = torch.randn(runs, height, width, batch, channels, generator=rng, dtype=torch.float64)
    w = torch.randn(runs, *kernel, channels, filters, generator=rng, dtype=torch.float64)
    layer = Convolution((height, width), kernel)
    spectrum = layer.spectrum(w)
    y, kept = layer(x, spectrum)
    g = torch.randn(y.shape, generator=rng, dtype=torch.float64)
    dx, dw = layer.backward(g, kept, spectrum)
    for run in range(runs):
        image = x[run].permute(2, 3, 0, 1).clone().requires_grad_()
        filter_ = w[run].permute(3, 2, 0, 1).clone().requires_grad_()
        expected = nn.functional.conv2d(image, filter_)
        expected.backward(g[run].permute(2, 3, 0, 1))
        torch.testing.assert_close(y[run].permute(2, 3, 0, 1), expected.detach(), rtol=0, atol=1e-11)
        torch.testing.assert_close(dx[run].permute(2, 3, 0, 1), image.grad, rtol=0, atol=1e-11)
        torch.testing.assert_close(dw[run].permute(3, 2, 0, 1), filter_.grad, rtol=0, atol=1e-11)


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_errors_are_normalised_and_do_not_depend_on_the_chunk(architecture):
    net = network(architecture, seeds=2)
    images, labels = batches(1, n=23)
    found = net.errors(images[0], labels[0], chunk=7)
    np.testing.assert_allclose(found, net.errors(images[0], labels[0], chunk=1), rtol=1e-12)
    for run in range(2):
        error = (outputs(plain(net, run), images[0]) - targets(labels[0], 3.0)).detach() ** 2
        expected = [error[:, :20].sum(1).mean() / 2, error[:, 20:].sum(1).mean() / 9]
        np.testing.assert_allclose(found[run], expected, rtol=1e-12)
    for parameter in net.parameters:
        parameter.zero_()
    np.testing.assert_allclose(net.errors(images[0], labels[0]), 1, rtol=1e-14)


def test_runs_and_modules_start_independently_and_depend_on_their_seed_only():
    net, other = network("split", seeds=[4, 9], channels=40), network("split", seeds=[9], channels=40)
    for mine, its in zip(net.take([1]).parameters, other.parameters):
        torch.testing.assert_close(mine, its, rtol=0, atol=0)
    kernels = [kernel[stack].flatten() for kernel in net.kernels[1:] for stack in np.ndindex(2, 2)]
    correlation = np.corrcoef(torch.stack(kernels)) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(kernels[0].numel())
    np.testing.assert_allclose(net.kernels[1].std(), 0.2, rtol=0.02)
    np.testing.assert_allclose(net.readouts[1].std(), 0.01, rtol=0.02)


def test_both_precisions_start_alike_and_stay_close_for_two_steps():
    nets = network("dense"), network("dense", precision="float32")
    images, labels = batches(1)
    for _ in range(2):
        for net in nets:
            net.step(images.to(net.kernels[0].dtype), labels)
    for exact, short in zip(*(net.parameters for net in nets)):
        torch.testing.assert_close(short.double(), exact, rtol=1e-4, atol=1e-5)


def test_the_sizes_of_the_paper():
    dense, split = Settings("dense"), Settings("split", channels=16)
    assert dense.sizes((28, 84)) == [(28, 84), (20, 58), (14, 38), (10, 24)]
    convolutions = 32 * (9 * 27 + 1) + 32 * (32 * 7 * 21 + 1) + 32 * (32 * 5 * 15 + 1)
    assert dense.parameters((28, 84), 3) == convolutions + (10 * 24 * 32 + 1) * 1030
    convolutions = 16 * (9 * 27 + 1) + 16 * (16 * 7 * 21 + 1) + 16 * (16 * 5 * 15 + 1)
    assert split.parameters((28, 84), 3) == 2 * convolutions + (10 * 24 * 16 + 1) * 1030
    net = network("split", seeds=2)
    assert sum(p.numel() for p in net.parameters) == 2 * net.settings.parameters(SIZE, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "wide"}, "architecture = 'wide' is unknown; choose one of dense, split"),
        ({"precision": "half"}, "precision = 'half' is unknown"),
        ({"channels": 0}, "channels = 0 is not an integer from 1 on"),
        ({"batch": 1.5}, "batch = 1.5 is not an integer"),
        ({"epochs": True}, "epochs = True is not an integer"),
        ({"learning_rate": 0}, "learning_rate = 0 is not finite and positive"),
        ({"init_std": np.nan}, "init_std = nan is not finite"),
        ({"readout_std": -1}, "readout_std = -1 is not finite and positive"),
        ({"kernels": ()}, r"kernels = \(\) must be pairs"),
        ({"kernels": ((3,),)}, "must be pairs of rows and columns"),
        ({"kernels": ((3, 3), (5, 3))}, r"a kernel of \(5, 3\) does not fit \(4, 13\) pixels"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [-1]}, "seed = -1 is not an integer from 0 on"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        network(changes.pop("architecture", "dense"), **changes)
