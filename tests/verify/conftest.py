"""A specification's file, whole until a test breaks it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import nets


@pytest.fixture
def spec_file(rng: np.random.Generator, tmp_path: Path) -> Path:
    return nets.spec(rng).save(tmp_path / "net.safetensors")
