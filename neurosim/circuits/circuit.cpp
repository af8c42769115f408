// Populations that hear each other: the order of a step, delays, Poisson input, threads. What a
// neuron and a synapse do is in the populations' own libraries, called through pointers.
#include <atomic>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

// 64 random bits of a key and a counter: SplitMix64's output.
inline uint64_t mixed(const uint64_t key, const uint64_t counter) {
    uint64_t z = key + counter * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

}  // namespace

extern "C" {

// Neurons of a model (with a handle), given spikes, or a Poisson process for each neuron.
struct Population {
    void *handle;
    int64_t (*begin_step)(void *, const void *, int64_t, const int64_t **);
    void (*deliver)(void *, int32_t, const int32_t *, int64_t, void *, int32_t);
    void (*end_step)(void *, int64_t, const void *, int64_t);
    const void *inputs, *monitors;
    int64_t n_inputs, n_monitors;
    int64_t n;
    const int64_t *given_rows, *given_neurons;  // spikes by step, of a source of given spikes
    const double *chances;                      // (n,) of a spike in a step, of a Poisson source
    uint64_t key;
};

// Synapses by source, those of a source in runs of one delay; each thread has its own targets.
struct Projection {
    int64_t source, target;
    int32_t event, shared;       // shared: all synapses have weights[0]
    const int64_t *first;        // (n_pre + 1,) runs of each source
    const int64_t *bounds;       // (runs, threads + 1) where a thread's targets begin and end
    const int32_t *targets;
    double *weights;
    const int32_t *delays;       // (runs,) in steps; null: all have `delay`
    int64_t delay, longest;
};

// Independent Poisson spikes for each neuron of a population, drawn from a table.
struct Poisson {
    int64_t target;
    int32_t event;
    double weight;
    uint64_t key;
    const uint32_t *table;       // (laws, entries) 2^32 P(at most k spikes), the last one 2^32 - 1
    int64_t entries;
    const int32_t *course;       // (steps,) which law; null: the first
};

}

namespace {

struct Run {
    int64_t from, to;            // of runs
};

struct Barrier {
    const int64_t threads;
    std::atomic<int64_t> waiting{0}, passed{0};

    explicit Barrier(const int64_t n) : threads(n) {}

    void wait() {
        if (threads == 1) return;
        const int64_t now = passed.load(std::memory_order_acquire);
        if (waiting.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
            waiting.store(0, std::memory_order_relaxed);
            passed.store(now + 1, std::memory_order_release);
            return;
        }
        for (int64_t tries = 0; passed.load(std::memory_order_acquire) == now; tries++) {
#if defined(__x86_64__)
            __builtin_ia32_pause();  // leaves the core to a thread that shares it
#endif
            if (tries > 200) std::this_thread::yield();
        }
    }
};

struct Circuit {
    std::vector<Population> populations;
    std::vector<Projection> projections;
    std::vector<Poisson> poissons;
    std::vector<int64_t> edges;  // (populations, threads + 1)
    const int64_t threads;
    int64_t step = 0;
    std::vector<std::vector<std::vector<Run>>> slots;      // by projection and step, cyclic
    std::vector<const int64_t *> fired;
    std::vector<int64_t> numbers;
    std::vector<std::vector<int64_t>> own;                 // fired neurons of sources
    std::vector<std::vector<int64_t>> neurons, steps;      // all spikes of sources
    Barrier barrier;

    Circuit(const Population *p, const int64_t n_p, const Projection *q, const int64_t n_q,
            const Poisson *r, const int64_t n_r, const int64_t *e, const int64_t threads_)
        : populations(p, p + n_p), projections(q, q + n_q), poissons(r, r + n_r),
          edges(e, e + n_p * (threads_ + 1)), threads(threads_), slots(n_q), fired(n_p),
          numbers(n_p), own(n_p), neurons(n_p), steps(n_p), barrier(threads_) {
        for (int64_t k = 0; k < n_q; k++) slots[k].resize(projections[k].longest + 1);
    }

    void begin(const int64_t k) {
        const Population &p = populations[k];
        if (p.handle) {
            numbers[k] = p.begin_step(p.handle, p.inputs, p.n_inputs, &fired[k]);
            return;
        }
        own[k].clear();
        if (p.given_rows)
            own[k].assign(p.given_neurons + p.given_rows[step],
                          p.given_neurons + p.given_rows[step + 1]);
        else
            for (int64_t i = 0; i < p.n; i++)
                if ((mixed(p.key + step, i + 1) >> 11) * 0x1p-53 < p.chances[i])
                    own[k].push_back(i);
        for (const int64_t i : own[k]) {
            neurons[k].push_back(i);
            steps[k].push_back(step);
        }
        fired[k] = own[k].data();
        numbers[k] = own[k].size();
    }

    // Put what fired into the steps in which it arrives.
    void send() {
        for (size_t k = 0; k < projections.size(); k++) {
            const Projection &q = projections[k];
            std::vector<std::vector<Run>> &slot = slots[k];
            const int64_t length = slot.size();
            for (int64_t place = 0; place < numbers[q.source]; place++) {
                const int64_t i = fired[q.source][place];
                const int64_t from = q.first[i], to = q.first[i + 1];
                if (!q.delays) {
                    if (to > from) slot[(step + q.delay) % length].push_back({from, to});
                    continue;
                }
                for (int64_t run = from; run < to; run++)
                    slot[(step + q.delays[run]) % length].push_back({run, run + 1});
            }
        }
    }

    void receive(const int64_t thread) {
        for (size_t k = 0; k < projections.size(); k++) {
            const Projection &q = projections[k];
            const Population &target = populations[q.target];
            const std::vector<Run> &now = slots[k][step % slots[k].size()];
            for (const Run &run : now)
                for (int64_t r = run.from; r < run.to; r++) {
                    const int64_t *bound = q.bounds + r * (threads + 1) + thread;
                    if (bound[1] == bound[0]) continue;
                    target.deliver(target.handle, q.event, q.targets + bound[0],
                                   bound[1] - bound[0], q.shared ? q.weights : q.weights + bound[0],
                                   q.shared);
                }
        }
    }

    // Draws go block by block through passes that compilers turn into vector code.
    void pour(const int64_t thread, std::vector<int32_t> &targets, std::vector<double> &weights) {
        const int64_t block = 256;
        uint32_t draws[block], spikes[block];
        for (const Poisson &r : poissons) {
            const int64_t *edge = &edges[r.target * (threads + 1) + thread];
            const uint32_t *table = r.table + (r.course ? r.course[step] * r.entries : 0);
            const uint64_t key = mixed(r.key, step + 1);
            targets.resize(edge[1] - edge[0] + 1);
            weights.resize(edge[1] - edge[0] + 1);
            int64_t number = 0;
            // 64 bits are two draws; blocks start at the same neurons for any number of threads.
            for (int64_t start = edge[0] / block * block; start < edge[1]; start += block) {
                for (int64_t k = 0; k < block / 2; k++) {
                    const uint64_t bits = mixed(key, start / 2 + k + 1);
                    draws[2 * k] = bits;
                    draws[2 * k + 1] = bits >> 32;
                }
                for (int64_t k = 0; k < block; k++) spikes[k] = 0;
                for (int64_t entry = 0; entry + 1 < r.entries; entry++)
                    for (int64_t k = 0; k < block; k++) spikes[k] += draws[k] > table[entry];
                const int64_t from = start < edge[0] ? edge[0] - start : 0;
                const int64_t to = edge[1] - start < block ? edge[1] - start : block;
                for (int64_t k = from; k < to; k++) {
                    targets[number] = start + k;
                    weights[number] = r.weight * spikes[k];
                    number += spikes[k] > 0;
                }
            }
            const Population &target = populations[r.target];
            if (number)
                target.deliver(target.handle, r.event, targets.data(), number, weights.data(), 0);
        }
    }

    void work(const int64_t thread, const int64_t count) {
        std::vector<int32_t> targets;
        std::vector<double> weights;
        const int64_t n = populations.size();
        for (int64_t done = 0; done < count; done++) {
            for (int64_t k = thread; k < n; k += threads) begin(k);
            barrier.wait();
            if (thread == 0) send();
            barrier.wait();
            receive(thread);
            pour(thread, targets, weights);
            barrier.wait();
            if (thread == 0) {
                for (auto &slot : slots) slot[step % slot.size()].clear();
                step++;
            }
            for (int64_t k = thread; k < n; k += threads) {
                const Population &p = populations[k];
                if (p.handle) p.end_step(p.handle, numbers[k], p.monitors, p.n_monitors);
            }
            barrier.wait();
        }
    }
};

}  // namespace

extern "C" {

void *create(const Population *populations, const int64_t n_populations,
             const Projection *projections, const int64_t n_projections, const Poisson *poissons,
             const int64_t n_poissons, const int64_t *edges, const int64_t threads) {
    return new Circuit(populations, n_populations, projections, n_projections, poissons, n_poissons,
                       edges, threads);
}

void destroy(void *handle) { delete static_cast<Circuit *>(handle); }

void run(void *handle, const int64_t steps) {
    Circuit &circuit = *static_cast<Circuit *>(handle);
    std::vector<std::thread> others;
    for (int64_t thread = 1; thread < circuit.threads; thread++)
        others.emplace_back([&circuit, thread, steps] { circuit.work(thread, steps); });
    circuit.work(0, steps);
    for (std::thread &other : others) other.join();
}

int64_t spikes(void *handle, const int64_t population, const int64_t **neurons,
               const int64_t **steps) {
    Circuit &circuit = *static_cast<Circuit *>(handle);
    *neurons = circuit.neurons[population].data();
    *steps = circuit.steps[population].data();
    return circuit.neurons[population].size();
}

}
