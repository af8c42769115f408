// A layered network of discrete-time neurons in C++. What a neuron does comes from Brian2's code
// generator; this template is the network around it. Sizes are arguments: one build runs them all.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// Used by Brian2's translation of `int(...)`.
template <typename T> inline int int_(T value) { return (int)value; }

{{ support_code }}

}  // namespace

extern "C" {

// Weights are presynaptic rows, one matrix for each synapse; `recurrent` may be null.
struct Layer {
    int64_t inputs, neurons;
    double *input[{{ receive | length }}], *recurrent[{{ receive | length }}];
{% for name in parameters %}
    double *{{ name }};
{% endfor %}
};

// Where to write (samples, steps, neurons); null for what is not recorded.
struct Record {
{% for name in states %}
    {{ "uint32_t" if name == "spikes" else "double" }} *{{ name }};
{% endfor %}
};

}

namespace {

struct Population {
    const Layer &layer;
    std::vector<double> memory;
{% for array in arrays %}
    double *_array_neurons_{{ array }};
{% endfor %}

    explicit Population(const Layer &l) : layer(l), memory({{ states | length }} * l.neurons) {
        double *place = memory.data();
{% for name in states %}
        _array_neurons_{{ name }} = place;
        place += l.neurons;
{% endfor %}
{% for name in parameters %}
        _array_neurons_{{ name }} = l.{{ name }};
{% endfor %}
    }

    bool finite() const {
        for (const double value : memory)
            if (!std::isfinite(value)) return false;
        return true;
    }

    void reset() { std::fill(memory.begin(), memory.end(), 0.0); }

{% for name in step %}
    void {{ name }}() {
{% for line in code.pointers.splitlines() if "_array_synapse_" not in line %}
        {{ line }}
{% endfor %}
{{ code.once[name] | indent(8, true) }}
        for (int64_t _idx = 0; _idx < layer.neurons; _idx++) {
{{ code.each[name] | indent(12, true) }}
        }
    }

{% endfor %}
{% for name in receive %}
    void {{ name }}(double *weights, double count) {
        double *_array_synapse_w = weights, *_array_synapse_spikes = &count;
{{ code.pointers | indent(8, true) }}
{{ code.once[name] | indent(8, true) }}
        for (int64_t _idx = 0; _idx < layer.neurons; _idx++) {
{{ code.each[name] | indent(12, true) }}
        }
    }

{% endfor %}
    // Hear all presynaptic spikes, presynaptic numbers ascending.
    template <typename Count> void hear(double *const *weights, const Count *spikes, int64_t n) {
        for (int64_t pre = 0; pre < n; pre++) {
            if (spikes[pre] == 0) continue;
{% for name in receive %}
            {{ name }}(weights[{{ loop.index0 }}] + pre * layer.neurons, (double)spikes[pre]);
{% endfor %}
        }
    }

    template <typename Count> void tick(const Count *spikes, const std::vector<double> &own) {
        hear(layer.input, spikes, layer.inputs);
        if (layer.recurrent[0]) hear(layer.recurrent, own.data(), layer.neurons);
{% for name in step %}
        {{ name }}();
{% endfor %}
    }

    void write(const Record &record, const int64_t row) const {
        const int64_t n = layer.neurons;
        if (record.spikes)
            for (int64_t i = 0; i < n; i++)
                record.spikes[row * n + i] = (uint32_t)_array_neurons_spikes[i];
{% for name in states if name != "spikes" %}
        if (record.{{ name }})
            std::memcpy(record.{{ name }} + row * n, _array_neurons_{{ name }}, n * sizeof(double));
{% endfor %}
    }
};

}  // namespace

// Run samples one after the other, each from a zero state: raster (samples, steps, channels). A
// layer hears the one before in the same step, and itself a step later. Returns -1, or sample * depth
// + layer of the first state that is not finite at its end: once it is not, it never is again.
extern "C" int64_t run(const Layer *layers, const int64_t depth, const uint8_t *raster,
                       const int64_t samples, const int64_t steps, const Record *records) {
    std::vector<Population> populations(layers, layers + depth);
    std::vector<std::vector<double>> last(depth);
    for (int64_t sample = 0; sample < samples; sample++) {
        for (int64_t k = 0; k < depth; k++) {
            populations[k].reset();
            last[k].assign(layers[k].neurons, 0.0);
        }
        for (int64_t t = 0; t < steps; t++) {
            const int64_t row = sample * steps + t;
            populations[0].tick(raster + row * layers[0].inputs, last[0]);
            for (int64_t k = 1; k < depth; k++)
                populations[k].tick(populations[k - 1]._array_neurons_spikes, last[k]);
            for (int64_t k = 0; k < depth; k++) {
                const Population &population = populations[k];
                population.write(records[k], row);
                last[k].assign(population._array_neurons_spikes,
                               population._array_neurons_spikes + layers[k].neurons);
            }
        }
        for (int64_t k = 0; k < depth; k++)
            if (!populations[k].finite()) return sample * depth + k;
    }
    return -1;
}
