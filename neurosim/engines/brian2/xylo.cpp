// A Xylo network in C++. The arithmetic of neurons and synapses, and the names of the arrays it
// works on, come from Brian2's code generator; this template is the network around it: which neuron
// runs when, who hears whom, what is recorded. Sizes are arguments, so that one build runs them all.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <algorithm>
#include <vector>

namespace {

// Used by Brian2's translation of `int(...)`.
template <typename T> inline int int_(T value) { return (int)value; }

{{ support_code }}

}  // namespace

extern "C" {

// A weight matrix, presynaptic rows; a row acts on the neurons first[row] <= i < last[row].
struct Weights {
    int16_t *values;
    const int32_t *first, *last;
};

struct Model {
    int32_t channels, hidden, output, first_output, max_input;
    const int32_t *alias;  // target of each hidden neuron or -1; null without aliases
    Weights input[{{ synapses }}], recurrent[{{ synapses }}], readout[1];
{% for population in populations %}
{% for name in population.parameters %}
    int16_t *{{ population.name }}_{{ name }};
{% endfor %}
{% endfor %}
};

// Where to write (samples, steps, neurons); null for what is not recorded.
struct Record {
{% for population in populations %}
{% for name in population.states %}
    {{ "uint8_t" if name == "spikes" else "int16_t" }} *{{ population.name }}_{{ name }};
{% endfor %}
{% endfor %}
};

}

namespace {

struct Network {
    const Model &model;
    std::vector<int16_t> memory;
    std::vector<int32_t> fired;  // hidden neurons with spikes in the last step, ascending
    int32_t n_fired = 0;
{% for population in populations %}
{% for name in population.states + population.parameters %}
    int16_t *_array_{{ population.name }}_{{ name }};
{% endfor %}
{% endfor %}

    explicit Network(const Model &m) : model(m), fired(m.hidden + 1) {
        memory.resize({{ populations[0].states | length }} * m.hidden
                      + {{ populations[1].states | length }} * m.output);
        int16_t *place = memory.data();
{% for population in populations %}
{% for name in population.states %}
        _array_{{ population.name }}_{{ name }} = place;
        place += m.{{ population.name }};
{% endfor %}
{% for name in population.parameters %}
        _array_{{ population.name }}_{{ name }} = m.{{ population.name }}_{{ name }};
{% endfor %}
{% endfor %}
    }

    void reset() {
        std::fill(memory.begin(), memory.end(), 0);
        n_fired = 0;
    }

{% for population in populations %}
{% for name in population.step %}
    void {{ population.name }}_{{ name }}(const int32_t first, const int32_t last) {
        int16_t *_array_{{ population.name }}_synapse_w = nullptr;
        int16_t *_array_{{ population.name }}_synapse_spikes = nullptr;
{{ population.code.pointers | indent(8, true) }}
{{ population.code.once[name] | indent(8, true) }}
        for (int32_t _idx = first; _idx < last; _idx++) {
{{ population.code.each[name] | indent(12, true) }}
        }
    }

{% endfor %}
{% for name in population.events %}
    void {{ population.name }}_{{ name }}(const int32_t first, const int32_t last, int16_t *weights,
                                          int16_t count) {
        int16_t *_array_{{ population.name }}_synapse_w = weights;
        int16_t *_array_{{ population.name }}_synapse_spikes = &count;
{{ population.code.pointers | indent(8, true) }}
{{ population.code.once[name] | indent(8, true) }}
        for (int32_t _idx = first; _idx < last; _idx++) {
{{ population.code.each[name] | indent(12, true) }}
        }
    }

{% endfor %}
{% endfor %}
    // Deliver the spikes of one presynaptic neuron or channel to all that hear it.
    template <typename Event>
    void deliver(Event event, const Weights &weights, const int32_t row, const int32_t width,
                 const int16_t spikes) {
        int16_t *w = weights.values + (int64_t)row * width;
        (this->*event)(weights.first[row], weights.last[row], w, spikes);
    }

    void receive(const uint8_t *events) {
        for (int32_t channel = 0; channel < model.channels; channel++) {
            if (events[channel] == 0) continue;
            const int32_t spikes = std::min<int32_t>(events[channel], model.max_input);
{% for name in receive %}
            deliver(&Network::hidden_{{ name }}, model.input[{{ loop.index0 }}], channel, model.hidden,
                    spikes);
{% endfor %}
        }
        for (int32_t k = 0; k < n_fired; k++) {
            const int32_t i = fired[k];
            const int16_t spikes = _array_hidden_spikes[i];
{% for name in receive %}
            deliver(&Network::hidden_{{ name }}, model.recurrent[{{ loop.index0 }}], i, model.hidden,
                    spikes);
{% endfor %}
            if (i >= model.first_output)
                deliver(&Network::output_receive, model.readout[0], i - model.first_output,
                        model.output, spikes);
        }
    }

    void step(const uint8_t *events) {
        receive(events);
        hidden_membrane(0, model.hidden);
        if (model.alias)
            for (int32_t i = 0; i < model.hidden; i++) {
                hidden_fire(i, i + 1);
                const int32_t to = model.alias[i];
                if (to >= 0) hidden_alias(to, to + 1, nullptr, _array_hidden_spikes[i]);
            }
        else
            hidden_fire(0, model.hidden);
        output_membrane(0, model.output);
        output_fire(0, model.output);
        n_fired = 0;
        for (int32_t i = 0; i < model.hidden; i++) {
            fired[n_fired] = i;
            n_fired += _array_hidden_spikes[i] != 0;
        }
    }

    void write(const Record &record, const int64_t row) const {
{% for population in populations %}
        if (record.{{ population.name }}_spikes) {
            uint8_t *__restrict to = record.{{ population.name }}_spikes + row * model.{{ population.name }};
            for (int32_t i = 0; i < model.{{ population.name }}; i++)
                to[i] = (uint8_t)_array_{{ population.name }}_spikes[i];
        }
{% for name in population.states if name != "spikes" %}
        if (record.{{ population.name }}_{{ name }})
            std::memcpy(record.{{ population.name }}_{{ name }} + row * model.{{ population.name }},
                        _array_{{ population.name }}_{{ name }},
                        model.{{ population.name }} * sizeof(int16_t));
{% endfor %}
{% endfor %}
    }
};

}  // namespace

// Run samples one after the other, each from a zero state: raster (samples, steps, channels).
extern "C" void run(const Model *model, const uint8_t *raster, const int64_t samples,
                    const int64_t steps, const Record *record) {
    Network network(*model);
    for (int64_t sample = 0; sample < samples; sample++) {
        network.reset();
        for (int64_t t = 0; t < steps; t++) {
            const int64_t row = sample * steps + t;
            network.step(raster + row * model->channels);
            network.write(*record, row);
        }
    }
}
