// A population of neurons in C++. What a neuron does comes from Brian2's code generator; this
// template runs it, step by step: inputs, presynaptic spikes, state, threshold, reset, monitors.
// C++'s own headers of random numbers would take a third of the time to build this.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace brian {

// The Mersenne Twister MT19937 (Matsumoto & Nishimura 1998, doi:10.1145/272991.272995).
struct Twister {
    static constexpr int size = 624, middle = 397;
    uint32_t state[size];
    int next = size;

    void seed(const uint32_t value) {
        state[0] = value;
        for (int k = 1; k < size; k++)
            state[k] = 1812433253u * (state[k - 1] ^ (state[k - 1] >> 30)) + k;
        next = size;
    }

    uint32_t operator()() {
        if (next == size) {
            for (int k = 0; k < size; k++) {
                const uint32_t joined =
                    (state[k] & 0x80000000u) | (state[(k + 1) % size] & 0x7fffffffu);
                state[k] = state[(k + middle) % size] ^ (joined >> 1) ^ (joined & 1) * 0x9908b0dfu;
            }
            next = 0;
        }
        uint32_t value = state[next++];
        value ^= value >> 11;
        value ^= (value << 7) & 0x9d2c5680u;
        value ^= (value << 15) & 0xefc60000u;
        return value ^ (value >> 18);
    }
};

// The random numbers of numpy's RandomState: uniform with 53 bits, normal by the polar method.
struct RandomGenerator {
    Twister twister;
    double spare = 0;
    bool has_spare = false;

    double rand() {
        const double high = twister() >> 5, low = twister() >> 6;
        return (high * 67108864.0 + low) / 9007199254740992.0;
    }

    double randn() {
        if (has_spare) {
            has_spare = false;
            return spare;
        }
        double x, y, square;
        do {
            x = 2.0 * rand() - 1.0;
            y = 2.0 * rand() - 1.0;
            square = x * x + y * y;
        } while (square >= 1.0 || square == 0.0);
        const double scale = std::sqrt(-2.0 * std::log(square) / square);
        spare = scale * x;
        has_spare = true;
        return scale * y;
    }
};

// Generated code draws from here: the generator of the population that is running.
static thread_local RandomGenerator *_random_generators;
}  // namespace brian

namespace {

// Used by Brian2's translation of `int(...)`.
template <typename T> inline int int_(T value) { return (int)value; }

{{ support_code }}

}  // namespace

extern "C" {

struct Arrays {
{% for array in code.arrays if not array.name.startswith("_array_synapse_") %}
    {{ array.type }} *{{ array.name }};
{% endfor %}
};

// A parameter that changes in time: a row of one value, or of one for each neuron, every step.
struct Input {
    double *target;
    const double *values;
    int64_t width;
};

// Presynaptic neurons: how often each spikes in each step, and its weights on all neurons.
struct Train {
    int32_t event;
    int64_t channels;
    const uint8_t *counts;
    void *weights;
};

// A variable to record of the neurons `watched`: (steps, watched).
struct Monitor {
    int32_t variable;
    int64_t n;
    const int64_t *watched;
    double *values;
};

}

namespace {

struct Population : Arrays {
    const int64_t n;
    const double dt;
    brian::RandomGenerator generator;
    std::vector<int64_t> fired;          // in the present step
    std::vector<char> above;             // of each neuron, whole words: whether it fires now
{% if period %}
    std::vector<int64_t> resting;        // refractory neurons: only they can recover
{% endif %}
    std::vector<int64_t> neurons, steps; // of all spikes
    int64_t step = 0;

    Population(const Arrays &a, const int64_t n_, const double dt_, const uint32_t seed)
        : Arrays(a), n(n_), dt(dt_), fired(n_), above((n_ + 7) / 8 * 8) {
        generator.twister.seed(seed);
    }

{% for name in initial + state + step + events + record + ["threshold", "reset"] if name in code.each %}
{% set monitor = name in record %}
{% set event = name in events %}
{% if event %}
    // `targets` of a synapse each, or all neurons; one weight for each, or one that all share.
    template <bool shared>
    void {{ name }}(const int32_t *targets, const int64_t number, {{ weight_type }} *weights,
                    int32_t count) {
        {{ weight_type }} *_array_synapse_w = weights;
        int32_t *_array_synapse_spikes = &count;
{% elif monitor %}
    void {{ name }}(const int64_t *watched, const int64_t number, double *values) {
{% elif name == "reset" %}
    void {{ name }}(const int64_t number) {
{% elif name == "threshold" %}
    int64_t {{ name }}() {
        int64_t number = 0;
{% else %}
    void {{ name }}() {
{% endif %}
{% for line in code.pointers.splitlines() if event or "_array_synapse_" not in line %}
        {{ line }}
{% endfor %}
        {
            const int _vectorisation_idx = -1;
            (void)_vectorisation_idx;
{{ code.once[name] | indent(12, true) }}
{% if not (name in initial and name in shared) %}
{% if monitor %}
            for (int64_t place = 0; place < number; place++) {
                const int64_t _idx = watched[place];
{% elif name == "reset" %}
            for (int64_t place = 0; place < number; place++) {
                const int64_t _idx = fired[place];
{% elif name == "recovery" and period %}
            int64_t left = 0;
            for (size_t place = 0; place < resting.size(); place++) {
                const int64_t _idx = resting[place];
{% elif event %}
            for (int64_t place = 0; place < number; place++) {
                const int64_t _idx = targets ? targets[place] : place;
                const int64_t _synapse = shared ? 0 : place;
{% else %}
            for (int64_t _idx = 0; _idx < n; _idx++) {
{% endif %}
                const int _vectorisation_idx = (int)_idx;
                (void)_vectorisation_idx;
{{ code.each[name] | indent(16, true) }}
{% if monitor %}
                values[place] = (double)_value;
{% elif name == "threshold" %}
                above[_idx] = _cond;
{% elif name == "recovery" and period %}
                if (!not_refractory) resting[left++] = _idx;
{% endif %}
            }
{% if name == "recovery" and period %}
            resting.resize(left);
{% endif %}
{% endif %}
{% if name == "threshold" %}
            // The comparisons are vector code; of eight neurons most often none fires.
            for (int64_t start = 0; start < n; start += 8) {
                uint64_t any;
                std::memcpy(&any, &above[start], 8);
                if (any == 0) continue;
                for (int64_t _idx = start; _idx < start + 8; _idx++) {
                    if (!above[_idx]) continue;
                    fired[number++] = _idx;
{% if refractory %}
                    _ptr_array_neurons_not_refractory[_idx] = false;
                    _ptr_array_neurons_lastspike[_idx] = _ptr_array_defaultclock_t[0];
{% endif %}
{% if period %}
                    resting.push_back(_idx);
{% endif %}
                }
            }
{% endif %}
        }
{% if name == "threshold" %}
        return number;
{% endif %}
    }

{% endfor %}
    void start() {
{% for name in initial %}
        {{ name }}();
{% endfor %}
    }

    void receive(const Train &train, const int64_t row) {
        const uint8_t *counts = train.counts + row * train.channels;
        for (int64_t channel = 0; channel < train.channels; channel++) {
            if (counts[channel] == 0) continue;
{% for name in events %}
            if (train.event == {{ loop.index0 }})
                {{ name }}<false>(nullptr, n, ({{ weight_type }} *)train.weights + channel * n,
                                  counts[channel]);
{% endfor %}
        }
    }

    void observe(const Monitor &monitor, const int64_t row) {
        double *values = monitor.values + row * monitor.n;
{% for name in record %}
        if (monitor.variable == {{ loop.index0 }}) {{ name }}(monitor.watched, monitor.n, values);
{% endfor %}
    }

    // One spike at each of these synapses.
    void deliver(const int32_t event, const int32_t *targets, const int64_t number, void *weights,
                 const bool shared) {
{% for name in events %}
        if (event == {{ loop.index0 }}) {
            if (shared) {{ name }}<true>(targets, number, ({{ weight_type }} *)weights, 1);
            else {{ name }}<false>(targets, number, ({{ weight_type }} *)weights, 1);
        }
{% endfor %}
    }

    int64_t advance() {
{% if clock %}
        _array_defaultclock_t[0] = step * dt;
{% endif %}
{% for name in state + step %}
        {{ name }}();
{% endfor %}
{% if "threshold" in code.each %}
        const int64_t number = threshold();
        for (int64_t place = 0; place < number; place++) {
            neurons.push_back(fired[place]);
            steps.push_back(step);
        }
        return number;
{% else %}
        return 0;
{% endif %}
    }

    void finish(const int64_t number) {
{% if "reset" in code.each %}
        reset(number);
{% endif %}
        step++;
    }

{% if period %}
    // A refractory time that changes may bring neurons back into it.
    void watch_all() {
        resting.resize(n);
        for (int64_t i = 0; i < n; i++) resting[i] = i;
    }

{% endif %}
    void feed(const Input *inputs, const int64_t n_inputs) {
        for (int64_t k = 0; k < n_inputs; k++) {
            const Input &input = inputs[k];
            const double *values = input.values + step * input.width;
            for (int64_t i = 0; i < n; i++) input.target[i] = values[input.width == 1 ? 0 : i];
{% if period %}
            if (input.target == {{ period }}) watch_all();
{% endif %}
        }
    }
};

}  // namespace

extern "C" {

void *create(const Arrays *arrays, const int64_t n, const double dt, const uint32_t seed) {
    Population *population = new Population(*arrays, n, dt, seed);
    brian::_random_generators = &population->generator;
    population->start();
    return population;
}

void destroy(void *handle) { delete static_cast<Population *>(handle); }

// Run some steps; rows of inputs, trains and monitors count from the first step of all.
void run(void *handle, const int64_t steps, const Input *inputs, const int64_t n_inputs,
         const Train *trains, const int64_t n_trains, const Monitor *monitors,
         const int64_t n_monitors) {
    Population &population = *static_cast<Population *>(handle);
    brian::_random_generators = &population.generator;
    for (int64_t done = 0; done < steps; done++) {
        const int64_t row = population.step;
        population.feed(inputs, n_inputs);
        for (int64_t k = 0; k < n_trains; k++) population.receive(trains[k], row);
        population.finish(population.advance());
        for (int64_t k = 0; k < n_monitors; k++) population.observe(monitors[k], row);
    }
}

// The parts of a step for a circuit, in which what other neurons send comes between threshold and
// reset, as in Brian2.
int64_t begin_step(void *handle, const Input *inputs, const int64_t n_inputs,
                   const int64_t **fired) {
    Population &population = *static_cast<Population *>(handle);
    brian::_random_generators = &population.generator;
    population.feed(inputs, n_inputs);
    const int64_t number = population.advance();
    *fired = population.fired.data();
    return number;
}

void deliver(void *handle, const int32_t event, const int32_t *targets, const int64_t number,
             void *weights, const int32_t shared) {
    Population &population = *static_cast<Population *>(handle);
    population.deliver(event, targets, number, weights, shared != 0);
}

void end_step(void *handle, const int64_t number, const Monitor *monitors,
              const int64_t n_monitors) {
    Population &population = *static_cast<Population *>(handle);
    brian::_random_generators = &population.generator;
    const int64_t row = population.step;
    population.finish(number);
    for (int64_t k = 0; k < n_monitors; k++) population.observe(monitors[k], row);
}

int64_t spikes(void *handle, const int64_t **neurons, const int64_t **steps) {
    Population &population = *static_cast<Population *>(handle);
    *neurons = population.neurons.data();
    *steps = population.steps.data();
    return population.neurons.size();
}

}
