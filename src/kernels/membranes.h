#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "layer_plan.h"

namespace spikelens::kernels {
namespace {

template <class V, class T>
V load(const T* from) {
    V value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class V, class T>
void store(T* to, const V& value) {
    std::memcpy(to, &value, sizeof value);
}

/// The weights of a block's outputs from `offset` of the padded outputs on.
inline const int32_t* weights_of(const LayerPlan& plan, int offset) {
    return plan.weights.data() + int64_t{offset / plan.lanes} * plan.taps() * plan.in_channels * plan.lanes +
           offset % plan.lanes;
}

/// Pixels taken through time together, because each is one long chain of dependent steps.
template <class Isa, int N>
constexpr int kPixelsTogether = Isa::kBytes / 8 / N > 1 ? Isa::kBytes / 8 / N : 1;

/// Calls run(P, i) for i in [0, count), P at once; fewer at the end.
template <int P, class Run>
void by_pixels(int count, Run run) {
    int i = 0;
    for (; i + P <= count; i += P) run(std::integral_constant<int, P>{}, i);
    if constexpr (P > 1) by_pixels<P / 2>(count - i, [&](auto p, int rest) { run(p, i + rest); });
}

/// N registers, where they are needed.
template <class Register, int N, bool kNeeded>
struct Registers {
    Register of[N] = {};
};
template <class Register, int N>
struct Registers<Register, N, false> {};

/// Membranes of N registers of outputs at one pixel, between two steps.
template <class Isa, int N, bool kPlain, bool kCounts>
struct Membranes {
    typename Isa::Floats u[N] = {};
    [[no_unique_address]] Registers<typename Isa::Floats, N, !kPlain> synapse;
    [[no_unique_address]] Registers<typename Isa::Ints, N, !kPlain> spiked;
    [[no_unique_address]] Registers<typename Isa::Ints, N, kCounts> count;
};

/// Where the currents of some pixels and steps lie.
struct Currents {
    const float* first;
    int64_t pixel_stride, step_stride;
};

/// Calls run(kPlain, kCounts) for a task's neurons: plain ones reset by subtraction at once, keep no synaptic current
/// and leave no potentials behind.
template <class Run>
void with_stepper(const LayerTask& task, Run run) {
    const NeuronConstants<float>& neuron = task.plan->neuron;
    const bool plain = neuron.alpha == 0 && neuron.reset_delayed == 0 && !neuron.to_value && !task.potentials;
    if (plain)
        task.counts ? run(std::true_type{}, std::true_type{}) : run(std::true_type{}, std::false_type{});
    else
        task.counts ? run(std::false_type{}, std::true_type{}) : run(std::false_type{}, std::false_type{});
}

/// Takes membranes through time. What a layer does not need (with_stepper) costs nothing; kCounts says whether spikes
/// are counted.
template <class Isa, int N, bool kPlain, bool kCounts>
class Stepper {
  public:
    using State = Membranes<Isa, N, kPlain, kCounts>;

    /// For N registers of outputs from `offset` of the padded outputs on.
    Stepper(const LayerTask& task, int offset)
        : neuron_{task.plan->neuron},
          out_words_(task.plan->out_words),
          shift_(offset % 64),
          keep_(task.keep[offset / 64] >> shift_ & (kLanes == 64 ? ~uint64_t{0} : (uint64_t{1} << (kLanes % 64)) - 1)),
          spikes_(task.out_spikes + offset / 64),
          potentials_(task.potentials ? task.potentials + offset : nullptr),
          counts_(task.counts ? task.counts + offset : nullptr),
          steps_(task.steps),
          padded_(task.plan->padded()),
          frame_(int64_t{task.plan->out_height} * task.plan->out_width * padded_) {
        for (int lane = 0; lane < kLanes; ++lane) kept_[lane / kWidth][lane % kWidth] = (keep_ >> lane) & 1 ? -1 : 0;
    }

    /// P neighbouring pixels together.
    template <int P>
    void run(int64_t first_pixel, int first_step, int end_step, Currents currents, State* state) const {
        const Stepper own = *this;  // which what is stored cannot overlap
        State local[P];
        for (int p = 0; p < P; ++p) local[p] = state[p];
        const float* from = currents.first;
        uint64_t* out = spikes_ + (first_pixel * steps_ + first_step) * out_words_;
        const int64_t out_pixel = int64_t{steps_} * out_words_, next_step = out_words_;
        for (int step = first_step; step < end_step; ++step, from += currents.step_stride, out += next_step)
            for (int p = 0; p < P; ++p) {
                const uint64_t bits = own.advance(from + p * currents.pixel_stride, local[p], step, first_pixel + p);
                out[p * out_pixel] |= (bits & own.keep_) << own.shift_;
            }
        for (int p = 0; p < P; ++p) state[p] = local[p];
    }

    void store_counts(int64_t pixel, const State& state) const {
        if constexpr (kCounts)
            for (int i = 0; i < N; ++i)
                store(counts_ + pixel * padded_ + i * kWidth,
                      __builtin_convertvector(state.count.of[i] & kept_[i], Counts));
    }

  private:
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    using Counts = typename Isa::Counts;
    static constexpr int kWidth = Isa::kBytes / 4, kLanes = N * kWidth;

    static Ints spiked_before(const State& state, int i) {
        if constexpr (kPlain)
            return Ints{};
        else
            return state.spiked.of[i];
    }

    /// One step; the bits of the outputs that spiked.
    uint64_t advance(const float* current, State& state, int step, int64_t pixel) const {
        uint64_t bits = 0;
        for (int i = 0; i < N; ++i) {
            Floats in = load<Floats>(current + i * kWidth);
            if constexpr (!kPlain) in = state.synapse.of[i] = neuron_.charge(state.synapse.of[i], in);
            const Floats u = neuron_.potential(state.u[i], spiked_before(state, i), in);
            if constexpr (!kPlain)
                if (potentials_) store(potentials_ + step * frame_ + pixel * padded_ + i * kWidth, u);
            const Ints spiked = neuron_.fires(u);
            state.u[i] = neuron_.after(u, spiked);
            if constexpr (!kPlain) state.spiked.of[i] = spiked;
            if constexpr (kCounts) state.count.of[i] -= spiked;
            bits |= static_cast<uint64_t>(Isa::above(u, neuron_.n.fire_above)) << (i * kWidth);
        }
        return bits;
    }

    NeuronStep<kPlain ? ResetForm::subtract : ResetForm::any, float> neuron_;
    int out_words_, shift_;
    uint64_t keep_;
    Ints kept_[N];  ///< the same, all bits of a lane
    uint64_t* spikes_;
    float* potentials_;
    uint16_t* counts_;
    int steps_, padded_;
    int64_t frame_;
};

}  // namespace
}  // namespace spikelens::kernels
