"""Neurons against theory: f-I curves, adaptation, noise, discrete time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from neurosim import equations
from neurosim.engines.brian2 import Simulation, simulate

DT = 1e-5


def default(model: str, *names: str) -> list[float]:
    parameters = equations.get(model).parameters
    return [parameters[name].default for name in names]


def interval(result: Simulation, neuron: int = 0) -> float:
    """The last interspike interval in seconds."""
    times = result.times_of(neuron)
    assert len(times) >= 4
    return float(times[-1] - times[-2])


# --- f-I curves -------------------------------------------------------------------------------


def test_lif_fires_at_the_closed_form_rate() -> None:
    rest, theta, reset, tau, resistance = default("lif", "E_L", "theta_0", "V_r", "tau", "R")
    current, refractory = np.array([0.19, 0.21, 0.3, 1.0]), 3.0
    result = simulate(
        "lif", n=4, duration=0.5, dt=DT, parameters={"I": current, "tau_ref": refractory}
    )
    assert result.counts()[0] == 0  # below rheobase (theta - E_L)/R = 0.2 nA
    for k in (1, 2, 3):
        drive = rest + resistance * current[k]
        period = refractory + tau * np.log((drive - reset) / (drive - theta))
        # A spike is seen at the first step after the crossing, the refractory time ends on a step.
        assert -DT < interval(result, k) - period * 1e-3 < 2 * DT


def test_qif_fires_at_the_closed_form_rate() -> None:
    names = ("E_L", "theta_0", "V_r", "V_peak", "tau", "R", "a")
    rest, theta, reset, peak, tau, resistance, a = default("qif", *names)
    current = np.array([0.04, 0.1, 0.2, 1.0])
    result = simulate("qif", n=4, duration=0.5, dt=DT, parameters={"I": current})
    assert result.counts()[0] == 0  # rheobase a (theta - E_L)^2 / 4 R = 0.05 nA
    for k in (1, 2, 3):
        constant = resistance * current[k] - a * (theta - rest) ** 2 / 4
        scale = np.sqrt(a / constant)
        middle = (rest + theta) / 2
        angle = np.arctan((peak - middle) * scale) - np.arctan((reset - middle) * scale)
        period = tau / np.sqrt(a * constant) * angle
        assert interval(result, k) == pytest.approx(period * 1e-3, abs=2 * DT)


def test_eif_fires_at_the_rate_of_the_quadrature() -> None:
    names = ("E_L", "theta_0", "V_r", "cutoff", "tau", "R", "Delta_T")
    rest, theta, reset, cutoff, tau, resistance, sharpness = default("eif", *names)
    current = np.array([0.17, 0.2, 0.5])
    result = simulate("eif", n=3, duration=0.6, dt=DT, parameters={"I": current})
    assert result.counts()[0] == 0  # rheobase (theta - E_L - Delta_T)/R = 0.18 nA
    for k in (1, 2):

        def slowness(v: float, current: float = current[k]) -> float:
            upstroke = sharpness * np.exp((v - theta) / sharpness)
            return tau / (rest - v + upstroke + resistance * current)

        period = quad(slowness, reset, theta + cutoff, points=[theta], limit=200)[0]
        assert interval(result, k) == pytest.approx(period * 1e-3, abs=2 * DT)


def test_a_scaled_threshold_moves_the_rate_as_theory_says() -> None:
    model = equations.get("lif") + equations.get("fixed-threshold")
    scale = np.array([0.6, 1.0, 1.5])
    result = simulate(model, n=3, duration=0.5, dt=DT, parameters={"I": 0.6, "scale": scale})
    for k in range(3):
        period = 20.0 * np.log(60 / (60 - 20 * scale[k]))
        assert 0 <= interval(result, k) - period * 1e-3 < 1.01 * DT


# --- adaptation and firing patterns -------------------------------------------------------------

# Neuronal Dynamics (doi:10.1017/CBO9781107447615), table 6.1: R = 500 Mohm, rest -70 mV, threshold
# -50 mV, Delta_T = 2 mV, a current step of 65 pA. Columns: tau [ms], a [nS], tau_w [ms], b [pA],
# reset [mV].
PATTERNS = {
    "tonic": (20.0, 0.0, 30.0, 60.0, -55.0),
    "adapting": (20.0, 0.0, 100.0, 5.0, -55.0),
    "initial burst": (5.0, 0.5, 100.0, 7.0, -51.0),
    "bursting": (5.0, -0.5, 100.0, 7.0, -46.0),
    "delayed": (5.0, -1.0, 100.0, 10.0, -60.0),
}


@pytest.fixture(scope="module")
def patterns() -> dict[str, np.ndarray]:
    tau, a, tau_w, b, reset = (np.array(column) for column in zip(*PATTERNS.values(), strict=True))
    current = np.where(np.array(list(PATTERNS)) == "delayed", 25.0, 65.0) * 1e-3
    parameters = {
        "C": tau / 0.5,
        "g_L": 2.0,
        "E_L": -70.0,
        "theta_0": -50.0,
        "a": a,
        "tau_w": tau_w,
        "b": b,
        "V_r": reset,
        "I": current,
    }
    result = simulate("adex", n=len(PATTERNS), duration=0.6, dt=DT, parameters=parameters)
    return {name: result.times_of(k) for k, name in enumerate(PATTERNS)}


def test_adex_fires_tonically(patterns) -> None:
    gaps = np.diff(patterns["tonic"])[2:]
    assert len(gaps) > 5
    assert np.ptp(gaps) < 0.02 * gaps.mean()


def test_adex_adapts(patterns) -> None:
    gaps = np.diff(patterns["adapting"])
    assert (np.diff(gaps[:5]) > 0).all()
    assert gaps[-1] > 1.5 * gaps[0]


def test_adex_starts_with_a_burst(patterns) -> None:
    gaps = np.diff(patterns["initial burst"])
    assert gaps[0] < 0.2 * gaps[-1]
    assert np.ptp(gaps[-3:]) < 0.1 * gaps[-1]


def test_adex_bursts_again_and_again(patterns) -> None:
    gaps = np.diff(patterns["bursting"])
    late = gaps[len(gaps) // 2 :]
    long = late > 5 * np.median(late)
    assert 2 <= long.sum() < 0.5 * len(late)


def test_adex_waits_before_it_fires(patterns) -> None:
    times = patterns["delayed"]
    assert len(times) >= 3
    assert times[0] > 20 * 5e-3  # twenty membrane time constants


def test_adaptive_threshold_follows_its_closed_form() -> None:
    names = ("E_L", "theta_0", "tau", "tau_theta", "jump", "R")
    rest, theta_0, tau, tau_theta, jump, resistance = default("adaptive-lif", *names)
    current = 0.5
    result = simulate(
        "adaptive-lif", duration=0.6, dt=DT, parameters={"I": current}, record=("theta",)
    )
    gaps = np.diff(result.times_of(0))
    assert (np.diff(gaps[:4]) > 0).all()
    gap = gaps[-1] * 1e3
    # Periodic firing: the threshold excess just before a spike repeats itself.
    excess = jump * np.exp(-gap / tau_theta) / (1 - np.exp(-gap / tau_theta))
    membrane = rest + resistance * current * (1 - np.exp(-gap / tau))
    assert membrane == pytest.approx(theta_0 + excess, abs=0.02)  # mV: one step moves v by 0.01


def test_voltage_adaptive_threshold_reaches_its_steady_state() -> None:
    names = ("theta_0", "slope", "V_i", "k_i", "R", "E_L")
    theta_0, slope, half, width, resistance, rest = default("voltage-adaptive-lif", *names)
    result = simulate(
        "voltage-adaptive-lif", duration=0.4, parameters={"I": 0.12}, record=("v", "theta")
    )
    v = rest + resistance * 0.12
    expected = theta_0 + slope * width * np.log1p(np.exp((v - half) / width))
    assert result.traces["v"][-1, 0] == pytest.approx(v * 1e-3, rel=1e-6)
    assert result.traces["theta"][-1, 0] == pytest.approx(expected * 1e-3, rel=1e-6)
    assert expected > theta_0 + 1
    # A slow ramp to the same current stays silent, a fast one to 0.3 nA does not.
    assert len(result.spike_steps) == 0


# --- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["noisy-lif", "noisy-lif-euler"])
def test_ornstein_uhlenbeck_variance_and_autocorrelation(name: str) -> None:
    dt, tau, n = 1e-3, 20e-3, 4000
    result = simulate(
        name,
        n=n,
        duration=0.24,
        dt=dt,
        parameters={"theta_0": 1e3, "mu": -60.0, "std": 4.0, "E_L": -60.0},
        record=("v",),
        seed=4,
    )
    v = result.traces["v"] * 1e3
    late = v[[139, 239]]  # 7 and 12 time constants after the start: 2n nearly independent values
    # Euler's stationary variance is s^2 / (1 - dt/2tau); the exact update has s^2.
    variance = 16.0 / (1 - dt / (2 * tau)) if name.endswith("euler") else 16.0
    error = variance * np.sqrt(2 / (2 * n))
    assert late.var() == pytest.approx(variance, abs=4 * error)
    assert late.mean() == pytest.approx(-60.0, abs=4 * np.sqrt(variance / (2 * n)))
    decay = 1 - dt / tau if name.endswith("euler") else np.exp(-dt / tau)
    for lag in (5, 20):
        pairs = np.corrcoef(v[150], v[150 + lag])[0, 1]
        assert pairs == pytest.approx(decay**lag, abs=4 / np.sqrt(n))


def test_noisy_lif_fires_at_siegerts_rate_in_the_limit_of_small_steps() -> None:
    from scipy.special import erfcx

    result = simulate(
        "noisy-lif", n=400, duration=2.0, dt=5e-5, parameters={"mu": -52.0, "std": 4.0}, seed=1
    )
    low, high = ((x + 52.0) / (np.sqrt(2) * 4.0) for x in (-70.0, -50.0))
    period = 20e-3 * np.sqrt(np.pi) * quad(lambda u: erfcx(-u), low, high)[0]
    rate = result.rate(0.2)
    # Discrete steps miss crossings between them: theta moves up by 0.5826 sigma sqrt(dt)
    # (Broadie, Glasserman, Kou 1997), here 0.24 mV, and the rate falls by some 5 %.
    shift = 0.5826 * 4.0 * np.sqrt(2 * 5e-5 / 20e-3)
    high += shift / (np.sqrt(2) * 4.0)
    corrected = 20e-3 * np.sqrt(np.pi) * quad(lambda u: erfcx(-u), low, high)[0]
    assert rate.mean() < 1 / period
    assert rate.mean() == pytest.approx(1 / corrected, abs=4 * rate.std() / np.sqrt(400))


# --- discrete time --------------------------------------------------------------------------------


def test_the_map_equals_its_formula_step_by_step() -> None:
    rng = np.random.default_rng(2)
    drive = rng.normal(0.4, 1.0, (200, 3))
    parameters = {"alpha": 0.875, "beta": 0.75, "bias": 0.0625, "theta_0": 0.5, "max_spikes": 3}
    result = simulate(
        "lif-map",
        n=3,
        duration=0.2,
        dt=1e-3,
        parameters=parameters,
        inputs={"I": drive},
        record=("v_mem", "i_syn", "spikes"),
    )
    v, i = np.zeros(3), np.zeros(3)
    for t in range(200):
        i = (i + drive[t]) * 0.75
        v = v * 0.875 + i + 0.0625
        count = np.clip(np.floor(v / 0.5), 0, 3)
        v = v - count * 0.5
        for name, expected in (("v_mem", v), ("i_syn", i), ("spikes", count)):
            np.testing.assert_array_equal(result.traces[name][t], expected, err_msg=name)
    assert result.traces["spikes"].max() == 3
    assert len(result.spike_steps) == (result.traces["spikes"] > 0).sum()
