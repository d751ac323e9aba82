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
    Real beta, threshold, v_reset, input_scale;
    Real fire_above;  ///< a neuron spikes when its potential is above this: for ≥ the largest value below θ

    explicit Constants(const Neuron& neuron)
        : beta(neuron.beta),
          threshold(neuron.threshold),
          v_reset(neuron.v_reset),
          input_scale(Real(neuron.gain) * (neuron.decay_input ? Real(1) - Real(neuron.beta) : Real(1))),
          fire_above(neuron.at_threshold ? std::nextafter(Real(neuron.threshold), -std::numeric_limits<Real>::infinity())
                                         : Real(neuron.threshold)) {}
};

/// All steps of one plane: the potential when compared with the threshold, and the spikes before pooling.
/// `zero` has one recursion for both delays: the reset acts before the next comparison either way.
template <class Real>
class PlaneTimeline {
  public:
    explicit PlaneTimeline(const LifPlanes& layer)
        : layer_(layer),
          constants_(layer.neuron),
          size_(layer.size()),
          potentials_(layer.steps * size_),
          spikes_(layer.steps * size_),
          silence_(size_) {}

    /// `current` of this plane; `stride` to its next step.
    void run(const Real* current, int64_t stride) {
        const Real *potential = silence_.data(), *spike = silence_.data();
        for (int64_t t = 0; t < layer_.steps; ++t, current += stride) {
            Real *next = potentials_.data() + t * size_, *fired = spikes_.data() + t * size_;
            advance(potential, spike, current, next);
            fire(next, fired);
            potential = next;
            spike = fired;
        }
    }

    const Real* potentials(int64_t step) const { return potentials_.data() + step * size_; }
    const Real* spikes(int64_t step) const { return spikes_.data() + step * size_; }

  private:
    void advance(const Real* __restrict potential, const Real* __restrict spike, const Real* __restrict current,
                 Real* __restrict next) {
        const auto [beta, threshold, v_reset, scale, unused] = constants_;
        switch (layer_.neuron.reset) {
            case Reset::none:
                for (int64_t i = 0; i < size_; ++i) next[i] = beta * potential[i] + scale * current[i];
                return;
            case Reset::zero:
                for (int64_t i = 0; i < size_; ++i)
                    next[i] = beta * (potential[i] * (Real(1) - spike[i]) + v_reset * spike[i]) + scale * current[i];
                return;
            case Reset::subtract:
                break;
        }
        if (layer_.neuron.delay)
            for (int64_t i = 0; i < size_; ++i) next[i] = (beta * potential[i] + scale * current[i]) - threshold * spike[i];
        else
            for (int64_t i = 0; i < size_; ++i) next[i] = beta * (potential[i] - threshold * spike[i]) + scale * current[i];
    }

    void fire(const Real* __restrict potential, Real* __restrict spike) {
        const Real fire_above = constants_.fire_above, threshold = constants_.threshold;
        if (layer_.smooth)
            for (int64_t i = 0; i < size_; ++i)
                spike[i] = static_cast<Real>(
                    surrogate_step(layer_.surrogate, static_cast<double>(potential[i] / threshold - Real(1))));
        else
            for (int64_t i = 0; i < size_; ++i) spike[i] = potential[i] > fire_above ? Real(1) : Real(0);
    }

    const LifPlanes& layer_;
    Constants<Real> constants_;
    int64_t size_;
    std::vector<Real> potentials_, spikes_, silence_;
};

template <SurrogateKind kind, class Real>
void derivative_row(int64_t size, Real scale, Real threshold, const Real* __restrict potential, Real* __restrict slope) {
    for (int64_t i = 0; i < size; ++i) slope[i] = derivative_of<kind>(scale, potential[i] / threshold - Real(1)) / threshold;
}

/// ∂S/∂U of a row of neurons.
template <class Real>
void spike_slope(const LifPlanes& layer, const Real* potential, Real* slope) {
    const Real scale(layer.surrogate.scale), threshold(layer.neuron.threshold);
    const int64_t size = layer.size();
    switch (layer.surrogate.kind) {
        case SurrogateKind::triangle:
            return derivative_row<SurrogateKind::triangle>(size, scale, threshold, potential, slope);
        case SurrogateKind::sigmoid:
            return derivative_row<SurrogateKind::sigmoid>(size, scale, threshold, potential, slope);
        case SurrogateKind::fast_sigmoid:
            return derivative_row<SurrogateKind::fast_sigmoid>(size, scale, threshold, potential, slope);
        case SurrogateKind::atan:
            return derivative_row<SurrogateKind::atan>(size, scale, threshold, potential, slope);
    }
}

/// One step back in time. With P the potential compared with the threshold, P[t+1] = β·P[t] + r·S[t] + … for the linear
/// resets and P[t+1] = β·(P[t]·(1 − S[t]) + v_reset·S[t]) + … for `zero`; S depends on P through its slope.
/// `gradient` holds ∂/∂P[t+1] before and ∂/∂P[t] after.
template <class Real>
void step_back(const LifPlanes& layer, const Real* __restrict potential, const Real* __restrict spike,
               const Real* __restrict slope, const Real* __restrict spike_gradient, Real* __restrict gradient) {
    const Constants<Real> constants(layer.neuron);
    const Real beta = constants.beta, v_reset = constants.v_reset;
    const Real through(layer.surrogate.through_reset ? 1 : 0);
    const int64_t size = layer.size();
    if (layer.neuron.reset == Reset::zero) {
        for (int64_t i = 0; i < size; ++i) {
            const Real to_spike = spike_gradient[i] + through * beta * (v_reset - potential[i]) * gradient[i];
            gradient[i] = beta * (Real(1) - spike[i]) * gradient[i] + slope[i] * to_spike;
        }
        return;
    }
    const Real drop = layer.neuron.reset == Reset::none ? Real(0)
                      : layer.neuron.delay              ? constants.threshold
                                                        : beta * constants.threshold;
    const Real reset = -drop * through;
    for (int64_t i = 0; i < size; ++i) gradient[i] = beta * gradient[i] + slope[i] * (spike_gradient[i] + reset * gradient[i]);
}

template <class Real>
void write_scaled(int64_t size, Real scale, const Real* __restrict values, Real* __restrict out) {
    for (int64_t i = 0; i < size; ++i) out[i] = scale * values[i];
}

template <class Real>
void add_to(int64_t size, const Real* __restrict values, Real* __restrict sum) {
    for (int64_t i = 0; i < size; ++i) sum[i] += values[i];
}

/// The adjoint of one plane whose timeline has been run.
template <class Real>
class PlaneAdjoint {
  public:
    explicit PlaneAdjoint(const LifPlanes& layer)
        : layer_(layer),
          input_scale_(Constants<Real>(layer.neuron).input_scale),
          slope_(layer.size()),
          unpooled_(layer.size()),
          gradient_(layer.size()),
          sum_(layer.size()) {}

    void run(const PlaneTimeline<Real>& timeline, int64_t plane, const Real* spikes_gradient, Real* current_gradient) {
        std::fill(gradient_.begin(), gradient_.end(), Real(0));
        std::fill(sum_.begin(), sum_.end(), Real(0));
        for (int64_t t = layer_.steps - 1; t >= 0; --t) {
            const Real* pooled = spikes_gradient + (t * layer_.planes + plane) * layer_.pooled_size();
            spike_slope(layer_, timeline.potentials(t), slope_.data());
            step_back(layer_, timeline.potentials(t), timeline.spikes(t), slope_.data(), unpool(timeline.spikes(t), pooled),
                      gradient_.data());
            if (layer_.constant)
                add_to(layer_.size(), gradient_.data(), sum_.data());
            else
                write_scaled(layer_.size(), input_scale_, gradient_.data(),
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
    std::vector<Real> slope_, unpooled_, gradient_, sum_;
};

int64_t step_stride(const LifPlanes& layer) { return layer.constant ? 0 : layer.planes * layer.size(); }

}  // namespace

template <class Real>
void lif_forward(const LifPlanes& layer, const Real* current, Real* spikes) {
    PlaneTimeline<Real> timeline(layer);
    for (int64_t plane = 0; plane < layer.planes; ++plane) {
        timeline.run(current + plane * layer.size(), step_stride(layer));
        for (int64_t t = 0; t < layer.steps; ++t)
            pool_plane(layer, timeline.spikes(t), spikes + (t * layer.planes + plane) * layer.pooled_size());
    }
}

template <class Real>
void lif_backward(const LifPlanes& layer, const Real* current, const Real* spikes_gradient, Real* current_gradient) {
    PlaneTimeline<Real> timeline(layer);
    PlaneAdjoint<Real> adjoint(layer);
    for (int64_t plane = 0; plane < layer.planes; ++plane) {
        timeline.run(current + plane * layer.size(), step_stride(layer));
        adjoint.run(timeline, plane, spikes_gradient, current_gradient);
    }
}

template void lif_forward(const LifPlanes&, const float*, float*);
template void lif_forward(const LifPlanes&, const double*, double*);
template void lif_backward(const LifPlanes&, const float*, const float*, float*);
template void lif_backward(const LifPlanes&, const double*, const double*, double*);

}  // namespace spikelens
