"""Every neuron against theory, a quadrature or an independent integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from neurosim import equations
from neurosim.engines.brian2 import Simulation, Spikes, simulate

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


# --- models without closed form: an independent integration ---------------------------------------


def _spike_times(derivative, start, crossing, reset, duration: float) -> list[float]:
    """Integrate with scipy from event to event; times in ms."""
    crossing.terminal, crossing.direction = True, 1
    times, t, state = [], 0.0, np.asarray(start, dtype=float)
    while t < duration:
        run = solve_ivp(
            derivative, (t, duration), state, events=crossing, rtol=1e-9, atol=1e-9, method="LSODA"
        )
        if not len(run.t_events[0]):
            break
        t, state = run.t_events[0][0], reset(run.y_events[0][0])
        times.append(t)
    return times


def test_izhikevich_equals_an_independent_integration() -> None:
    names = ("C", "k", "E_L", "theta_0", "a", "b", "V_r", "d", "V_peak")
    c, k, rest, theta, a, b, reset, d, peak = default("izhikevich", *names)
    current = 200.0  # pA

    def derivative(_, y):
        v, u = y
        return [(k * (v - rest) * (v - theta) - u + current) / c, a * (b * (v - rest) - u)]

    expected = _spike_times(
        derivative, [rest, 0.0], lambda _, y: y[0] - peak, lambda y: [reset, y[1] + d], 300.0
    )
    result = simulate("izhikevich", duration=0.3, dt=DT, parameters={"I": current * 1e-3})
    assert len(expected) > 5
    # A spike is seen up to a step late, and lateness adds up over the spikes.
    lag = result.spike_times * 1e3 - expected
    assert (np.abs(lag) < 0.01 * 1.5 * np.arange(1, len(expected) + 1)).all()


def _hodgkin_huxley(current: float, duration: float) -> list[float]:
    """Spike times in ms of the declared parameters, kinetics written out independently."""

    def rates(v: float) -> list[float]:
        x = v + 56.2
        return [
            0.32 * (13 - x) / (np.exp((13 - x) / 4) - 1),
            0.28 * (x - 40) / (np.exp((x - 40) / 5) - 1),
            0.128 * np.exp((17 - x) / 18),
            4 / (1 + np.exp((40 - x) / 5)),
            0.032 * (15 - x) / (np.exp((15 - x) / 5) - 1),
            0.5 * np.exp((10 - x) / 40),
        ]

    def slow(v: float) -> tuple[float, float]:
        bottom = 3.3 * np.exp((v + 35) / 20) + np.exp(-(v + 35) / 20)
        return 1 / (1 + np.exp(-(v + 35) / 10)), 608.0 / bottom

    def derivative(_, y):
        v, m, h, n, p = y
        am, bm, ah, bh, an, bn = rates(v)
        p_inf, tau_p = slow(v)
        total = 4.1 * (-70.3 - v) + 11200 * m**3 * h * (50 - v) + 1200 * n**4 * (-90 - v)
        total += 15 * p * (-90 - v) + current
        gates = [am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]
        return [total / 200, *gates, (p_inf - p) / tau_p]

    am, bm, ah, bh, an, bn = rates(-70.3)
    start = [-70.3, am / (am + bm), ah / (ah + bh), an / (an + bn), slow(-70.3)[0]]

    def passed(_, y):
        return y[0] + 20

    passed.direction = 1
    run = solve_ivp(
        derivative, (0, duration), start, events=passed, rtol=1e-8, atol=1e-8, method="LSODA"
    )
    return list(run.t_events[0])


def test_hodgkin_huxley_has_the_rheobase_and_rate_of_an_independent_integration() -> None:
    currents = np.array([0.05, 0.09, 0.1, 0.3, 0.5, 1.0])
    result = simulate(
        "hodgkin-huxley", n=len(currents), duration=0.5, dt=DT, parameters={"I": currents}
    )
    expected = [_hodgkin_huxley(1e3 * current, 500.0) for current in currents]
    counts = np.array([len(times) for times in expected])
    assert counts[0] == 0  # below rheobase
    assert counts[-1] > 20
    np.testing.assert_allclose(result.counts(), counts, atol=1)  # one spike at the very end
    first = [times[0] for times in expected if times]
    ours = [result.times_of(k)[0] * 1e3 for k in np.flatnonzero(counts)]
    np.testing.assert_allclose(ours, first, atol=0.2)  # ms: a first-order integrator at 0.01 ms


def test_more_m_current_makes_a_hodgkin_huxley_neuron_less_excitable() -> None:
    model = equations.get("hodgkin-huxley") + equations.get("fixed-threshold")
    scale = np.array([0.0001, 1.0, 5.0, 20.0])
    result = simulate(model, n=4, duration=0.5, dt=2e-5, parameters={"I": 0.5, "scale": scale})
    counts = result.counts()
    assert (np.diff(counts) < 0).all()
    assert counts[0] > 20


# --- synapses -----------------------------------------------------------------------------------


def _one_spike(steps: int, weight: float) -> Spikes:
    counts = np.zeros((steps, 1), dtype=int)
    counts[0] = 2
    return Spikes(counts, np.array([[weight]]))


def test_a_delta_synapse_moves_the_potential_at_once() -> None:
    result = simulate(
        "lif", duration=0.02, inputs={"receive": _one_spike(200, 3e-3)}, record=("v",)
    )
    expected = -70e-3 + 2 * 3e-3 * np.exp(-result.time / 20e-3)
    np.testing.assert_allclose(result.traces["v"][:, 0], expected, rtol=1e-12)


def test_an_exponential_current_makes_a_difference_of_exponentials() -> None:
    result = simulate(
        "lif-exponential",
        duration=0.05,
        inputs={"receive": _one_spike(500, 0.1e-9)},
        record=("v", "I_syn"),
    )
    t, tau, tau_syn = result.time, 20e-3, 5e-3
    current = 0.2e-9 * np.exp(-t / tau_syn)
    depolarisation = (
        100e6 * 0.2e-9 * tau_syn / (tau - tau_syn) * (np.exp(-t / tau) - np.exp(-t / tau_syn))
    )
    np.testing.assert_allclose(result.traces["I_syn"][:, 0], current, rtol=1e-7)
    np.testing.assert_allclose(result.traces["v"][:, 0] + 70e-3, depolarisation, rtol=1e-6)


def test_conductances_pull_towards_their_reversal_potentials() -> None:
    steps = 2000
    steady = Spikes(np.ones((steps, 1), dtype=int), np.array([[0.02e-9]]))
    result = simulate(
        "lif-conductance",
        duration=0.2,
        inputs={"excite": steady, "inhibit": steady},
        record=("v", "g_e", "g_i"),
    )
    # A spike in each step holds the conductances at w / (1 - exp(-dt/tau)), decayed once.
    g_e, g_i = (0.02e-9 * np.exp(-1e-4 / tau) / (1 - np.exp(-1e-4 / tau)) for tau in (5e-3, 10e-3))
    assert result.traces["g_e"][-1, 0] == pytest.approx(g_e, rel=1e-6)
    assert result.traces["g_i"][-1, 0] == pytest.approx(g_i, rel=1e-6)
    total = 10e-9 + g_e + g_i
    expected = (10e-9 * -70e-3 + g_i * -80e-3) / total
    # Half of a step's decay separates the conductance that v sees from the recorded one.
    assert result.traces["v"][-1, 0] == pytest.approx(expected, rel=2e-3)


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
