#include "lif.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "spike_pool.h"
#include "surrogate_function.h"

namespace spikelens {
namespace {

/// A layer's constants in the arithmetic of the computation.
template <class Real>
struct Constants {
    Real alpha, beta, threshold, v_reset, input_scale;
    Real fire_above;  ///< a neuron spikes when its potential is above this: for ≥ the largest value below θ

    explicit Constants(const Neuron& neuron)
        : alpha(neuron.alpha),
          beta(neuron.beta),
          threshold(neuron.threshold),
          v_reset(neuron.v_reset),
          input_scale(Real(neuron.gain) * (neuron.decay_input ? Real(1) - Real(neuron.beta) : Real(1))),
          fire_above(neuron.at_threshold ? std::nextafter(Real(neuron.threshold), -std::numeric_limits<Real>::infinity())
                                         : Real(neuron.threshold)) {}
};

/// The steps of one plane: the potential when compared with the threshold, and the spikes before pooling. `zero` has
/// one recursion for both delays: its reset acts before the next comparison either way.
template <class Real>
class PlaneTimeline {
  public:
    /// Remembers the last `kept` steps.
    PlaneTimeline(const LifPlanes& layer, int64_t kept)
        : layer_(layer),
          constants_(layer.neuron),
          size_(layer.size()),
          kept_(kept),
          potentials_(kept * size_),
          spikes_(kept * size_),
          silence_(size_),
          synapse_(neuron_keeps_current(layer) ? size_ : 0) {}

    /// Step t, after step t − 1, under this current.
    void advance(int64_t t, const Real* current) {
        if (!synapse_.empty()) current = filter_current(t, current);
        const Real* potential = t > 0 ? potentials(t - 1) : silence_.data();
        const Real* spike = t > 0 ? spikes(t - 1) : silence_.data();
        const Real beta = constants_.beta, threshold = constants_.threshold;
        const Real v_reset = constants_.v_reset, scale = constants_.input_scale;
        const auto step = [&](const auto& next) {
            advance_row(next, potential, spike, current, row(potentials_, t), row(spikes_, t));
        };
        if (layer_.neuron.reset == Reset::none)
            step([=](Real u, Real, Real i) { return beta * u + scale * i; });
        else if (layer_.neuron.reset == Reset::zero)
            step([=](Real u, Real s, Real i) { return beta * (u * (Real(1) - s) + v_reset * s) + scale * i; });
        else if (layer_.neuron.delay)
            step([=](Real u, Real s, Real i) { return (beta * u + scale * i) - threshold * s; });
        else
            step([=](Real u, Real s, Real i) { return beta * (u - threshold * s) + scale * i; });
        if (layer_.smooth) smooth_row(potentials(t), row(spikes_, t));
    }

    const Real* potentials(int64_t t) const { return potentials_.data() + t % kept_ * size_; }
    const Real* spikes(int64_t t) const { return spikes_.data() + t % kept_ * size_; }

  private:
    static bool neuron_keeps_current(const LifPlanes& layer) { return layer.neuron.alpha != 0; }

    /// J[t] = αJ[t−1] + I[t]
    const Real* filter_current(int64_t t, const Real* current) {
        if (t == 0) std::fill(synapse_.begin(), synapse_.end(), Real(0));
        for (int64_t i = 0; i < size_; ++i) synapse_[i] = constants_.alpha * synapse_[i] + current[i];
        return synapse_.data();
    }

    Real* row(std::vector<Real>& rows, int64_t t) { return rows.data() + t % kept_ * size_; }

    template <class Next>
    void advance_row(const Next& next, const Real* __restrict potential, const Real* __restrict spike,
                     const Real* __restrict current, Real* __restrict next_potential, Real* __restrict next_spike) const {
        const Real fire_above = constants_.fire_above;
        for (int64_t i = 0; i < size_; ++i) {
            const Real u = next(potential[i], spike[i], current[i]);
            next_potential[i] = u;
            next_spike[i] = u > fire_above ? Real(1) : Real(0);
        }
    }

    void smooth_row(const Real* potential, Real* spike) const {
        for (int64_t i = 0; i < size_; ++i)
            spike[i] = static_cast<Real>(
                surrogate_step(layer_.surrogate, static_cast<double>(potential[i] / constants_.threshold - Real(1))));
    }

    const LifPlanes& layer_;
    Constants<Real> constants_;
    int64_t size_, kept_;
    std::vector<Real> potentials_, spikes_, silence_, synapse_;
};

/// The steps of one plane whose potentials are known, read where they lie.
template <class Real>
class KnownTimeline {
  public:
    explicit KnownTimeline(const LifPlanes& layer)
        : layer_(layer), fire_above_(Constants<Real>(layer.neuron).fire_above), spikes_(layer.steps * layer.size()) {}

    void set_plane(int64_t plane, const Real* all) {
        first_ = all + plane * layer_.size();
        for (int64_t t = 0; t < layer_.steps; ++t) write_spikes(potentials(t), &spikes_[t * layer_.size()]);
    }

    const Real* potentials(int64_t t) const { return first_ + t * layer_.planes * layer_.size(); }
    const Real* spikes(int64_t t) const { return &spikes_[t * layer_.size()]; }

  private:
    void write_spikes(const Real* __restrict potential, Real* __restrict spike) const {
        const Real fire_above = fire_above_;
        for (int64_t i = 0, size = layer_.size(); i < size; ++i) spike[i] = potential[i] > fire_above ? Real(1) : Real(0);
    }

    const LifPlanes& layer_;
    Real fire_above_;
    const Real* first_ = nullptr;
    std::vector<Real> spikes_;
};

/// One step back in time. With P the potential compared with the threshold, P[t+1] = β·P[t] − drop·S[t] + … for the linear
/// resets and P[t+1] = β·(P[t]·(1 − S[t]) + v_reset·S[t]) + … for `zero`; S depends on P through the surrogate's slope.
/// `gradient` holds ∂/∂P[t+1] before and ∂/∂P[t] after.
template <SurrogateKind kind, class Real>
void step_back(const LifPlanes& layer, const Real* __restrict potential, const Real* __restrict spike,
               const Real* __restrict spike_gradient, Real* __restrict gradient) {
    const auto [unused_alpha, beta, threshold, v_reset, unused_scale, unused_edge] = Constants<Real>(layer.neuron);
    const Real through(layer.surrogate.through_reset ? 1 : 0), scale(layer.surrogate.scale), inverse = Real(1) / threshold;
    const auto slope = [=](Real u) { return derivative_of<kind>(scale, u * inverse - Real(1)) * inverse; };
    const int64_t size = layer.size();
    if (layer.neuron.reset == Reset::zero) {
        const Real beta_through = beta * through;
        for (int64_t i = 0; i < size; ++i) {
            const Real to_spike = spike_gradient[i] + beta_through * (v_reset - potential[i]) * gradient[i];
            gradient[i] = beta * (Real(1) - spike[i]) * gradient[i] + slope(potential[i]) * to_spike;
        }
        return;
    }
    const Real drop = layer.neuron.reset == Reset::none ? Real(0) : layer.neuron.delay ? threshold : beta * threshold;
    const Real to_reset = drop * through;
    for (int64_t i = 0; i < size; ++i)
        gradient[i] = beta * gradient[i] + slope(potential[i]) * (spike_gradient[i] - to_reset * gradient[i]);
}

template <class Real>
void step_back(const LifPlanes& layer, const Real* potential, const Real* spike, const Real* spike_gradient, Real* gradient) {
    switch (layer.surrogate.kind) {
        case SurrogateKind::triangle:
            return step_back<SurrogateKind::triangle>(layer, potential, spike, spike_gradient, gradient);
        case SurrogateKind::sigmoid:
            return step_back<SurrogateKind::sigmoid>(layer, potential, spike, spike_gradient, gradient);
        case SurrogateKind::fast_sigmoid:
            return step_back<SurrogateKind::fast_sigmoid>(layer, potential, spike, spike_gradient, gradient);
        case SurrogateKind::atan:
            return step_back<SurrogateKind::atan>(layer, potential, spike, spike_gradient, gradient);
    }
}

template <class Real>
void write_scaled(int64_t size, Real scale, const Real* __restrict values, Real* __restrict out) {
    for (int64_t i = 0; i < size; ++i) out[i] = scale * values[i];
}

/// The adjoint of a synapse that keeps its current: Σ_{s ≥ t} α^(s−t) · gradient[s].
template <class Real>
const Real* filter_back(int64_t size, Real alpha, const Real* __restrict gradient, Real* __restrict synapse) {
    for (int64_t i = 0; i < size; ++i) synapse[i] = alpha * synapse[i] + gradient[i];
    return synapse;
}

template <class Real>
void add_to(int64_t size, const Real* __restrict values, Real* __restrict sum) {
    for (int64_t i = 0; i < size; ++i) sum[i] += values[i];
}

/// The adjoint of one plane whose timeline has been run, or is known: step t of it is read before step t of the gradient is
/// written, the last first, so that these may lie in the same place.
template <class Real>
class PlaneAdjoint {
  public:
    explicit PlaneAdjoint(const LifPlanes& layer)
        : layer_(layer),
          input_scale_(Constants<Real>(layer.neuron).input_scale),
          unpooled_(layer.size()),
          gradient_(layer.size()),
          sum_(layer.size()),
          synapse_(layer.neuron.alpha != 0 ? layer.size() : 0) {}

    template <class Timeline>
    void run(const Timeline& timeline, int64_t plane, const Real* spikes_gradient, Real* current_gradient) {
        std::fill(gradient_.begin(), gradient_.end(), Real(0));
        std::fill(sum_.begin(), sum_.end(), Real(0));
        std::fill(synapse_.begin(), synapse_.end(), Real(0));
        for (int64_t t = layer_.steps - 1; t >= 0; --t) {
            const Real* pooled = spikes_gradient + (t * layer_.planes + plane) * layer_.pooled_size();
            step_back(layer_, timeline.potentials(t), timeline.spikes(t), unpool(timeline.spikes(t), pooled), gradient_.data());
            const Real* to_current = gradient_.data();
            if (!synapse_.empty())
                to_current = filter_back(layer_.size(), Real(layer_.neuron.alpha), to_current, synapse_.data());
            if (layer_.constant)
                add_to(layer_.size(), to_current, sum_.data());
            else
                write_scaled(layer_.size(), input_scale_, to_current,
                             current_gradient + (t * layer_.planes + plane) * layer_.size());
        }
        if (layer_.constant) write_scaled(layer_.size(), input_scale_, sum_.data(), current_gradient + plane * layer_.size());
    }

  private:
    const Real* unpool(const Real* spikes, const Real* pooled_gradient) {
        if (layer_.pool.kind == PoolKind::none) return pooled_gradient;
        unpool_plane(layer_, spikes, pooled_gradient, unpooled_.data());
        return unpooled_.data();
    }

    const LifPlanes& layer_;
    Real input_scale_;
    std::vector<Real> unpooled_, gradient_, sum_, synapse_;
};

int64_t step_stride(const LifPlanes& layer) { return layer.constant ? 0 : layer.planes * layer.size(); }

template <class Real>
void forward(const LifPlanes& layer, const Real* current, Real* spikes) {
    PlaneTimeline<Real> timeline(layer, 2);
    for (int64_t plane = 0; plane < layer.planes; ++plane)
        for (int64_t t = 0; t < layer.steps; ++t) {
            timeline.advance(t, current + plane * layer.size() + t * step_stride(layer));
            pool_plane(layer, timeline.spikes(t), spikes + (t * layer.planes + plane) * layer.pooled_size());
        }
}

template <class Real>
void backward(const LifPlanes& layer, const Real* current, const Real* spikes_gradient, Real* current_gradient) {
    PlaneTimeline<Real> timeline(layer, layer.steps);
    PlaneAdjoint<Real> adjoint(layer);
    for (int64_t plane = 0; plane < layer.planes; ++plane) {
        for (int64_t t = 0; t < layer.steps; ++t) timeline.advance(t, current + plane * layer.size() + t * step_stride(layer));
        adjoint.run(timeline, plane, spikes_gradient, current_gradient);
    }
}

template <class Real>
void backward_from_potentials(const LifPlanes& layer, const Real* potentials, const Real* spikes_gradient,
                              Real* current_gradient) {
    KnownTimeline<Real> timeline(layer);
    PlaneAdjoint<Real> adjoint(layer);
    for (int64_t plane = 0; plane < layer.planes; ++plane) {
        timeline.set_plane(plane, potentials);
        adjoint.run(timeline, plane, spikes_gradient, current_gradient);
    }
}

}  // namespace

// Much of training is spent here: on x86-64 also compiled, with all it calls, for wider vectors, chosen when the program is
// loaded (before a thread sanitizer is ready for that). Every lane computes what a single number would: the bits are the same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define SPIKELENS_WIDE __attribute__((target_clones("avx2", "default"), flatten))
#else
#define SPIKELENS_WIDE
#endif

SPIKELENS_WIDE void lif_forward(const LifPlanes& layer, const float* current, float* spikes) {
    forward(layer, current, spikes);
}

SPIKELENS_WIDE void lif_backward(const LifPlanes& layer, const float* current, const float* spikes_gradient,
                                 float* current_gradient) {
    backward(layer, current, spikes_gradient, current_gradient);
}

SPIKELENS_WIDE void lif_backward_from_potentials(const LifPlanes& layer, const float* potentials, const float* spikes_gradient,
                                                 float* current_gradient) {
    backward_from_potentials(layer, potentials, spikes_gradient, current_gradient);
}

void lif_forward(const LifPlanes& layer, const double* current, double* spikes) { forward(layer, current, spikes); }

void lif_backward(const LifPlanes& layer, const double* current, const double* spikes_gradient, double* current_gradient) {
    backward(layer, current, spikes_gradient, current_gradient);
}

}  // namespace spikelens
