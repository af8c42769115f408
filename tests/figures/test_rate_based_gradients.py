"""The figure of rate-based gradients: what its finding says, on a smaller scale."""

import numpy as np
import pytest

from neurosim import store
from neurosim.figures import rate_based_gradients


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    config = rate_based_gradients.Config(
        steps=(2, 12), learning_steps=3, seeds=1, batch=16, epochs=2, every=2
    )
    path = tmp_path_factory.mktemp("table") / rate_based_gradients.TABLE
    store.write_table(path, rate_based_gradients.measure(config), command="this test", digits=6)
    return rate_based_gradients.compute(path)


def test_directions_agree_better_with_more_steps_fewer_layers_and_no_batch_norm(arrays):
    error = 1 - arrays["cosine"]  # net, BatchNorm, steps
    assert (error[..., 1] < error[..., 0]).all()
    assert (error[0] < 0.1 * error[1:]).all()
    assert (error[:, 0] < error[:, 1]).all()
    assert (error > 1e-6).all()


def test_the_readout_is_exact_and_the_input_worst_off(arrays):
    np.testing.assert_allclose(arrays["layers"][:, -1], 1, atol=1e-5)  # float32
    assert (arrays["layers"][:, :3].mean(1) < arrays["layers"][:, -4:-1].mean(1)).all()


def test_both_ways_learn_and_the_figure_is_drawn(arrays):
    assert (arrays["loss"][..., 1] < arrays["loss"][..., 0]).all()
    assert (arrays["accuracy"][..., 1] > 0.6).all()
    assert (arrays["learning"] > 0.97).all()
    figure = rate_based_gradients.draw(arrays)
    assert len(figure.axes) == 4
    assert all(axes.lines for axes in figure.axes)
