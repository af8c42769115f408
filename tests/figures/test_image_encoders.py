import numpy as np

from neurosim.figures import image_encoders


def test_every_encoder_is_drawn_frame_by_frame():
    arrays = image_encoders.compute(steps=3)
    for name, _ in image_encoders.ROWS:
        assert arrays[name].shape == (3, 8, 8)
        assert arrays[name].any()
    assert arrays["latency"].sum(axis=0).max() == 1
    assert np.abs(arrays["events"]).max() > 1
    figure = image_encoders.draw(arrays)
    assert len(figure.axes) == 4 * 3 + 4  # frames and colour bars
