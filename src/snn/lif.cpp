#include "lif.h"

#include <algorithm>
#include <vector>

#include "lower.h"
#include "spike_pool.h"
#include "surrogate_function.h"
#include "wide.h"

namespace spikelens {
namespace {

using kernels::NeuronStep;
using kernels::ResetForm;

/// The steps of one plane: the potential when compared with the threshold, and the spikes before pooling.
template <class Real>
class PlaneTimeline {
  public:
    /// Remembers the last `kept` steps.
    PlaneTimeline(const LifPlanes& layer, int64_t kept)
        : layer_(layer),
          neuron_(lower_neuron<Real>(layer.neuron)),
          input_scale_(input_scale<Real>(layer.neuron)),
          size_(layer.size()),
          kept_(kept),
          potentials_(kept * size_),
          spikes_(kept * size_),
          silence_(size_),
          synapse_(neuron_.alpha != 0 ? size_ : 0) {}

    /// Step t, after step t − 1, under this current.
    void advance(int64_t t, const Real* current) {
        if (!synapse_.empty()) current = filter_current(t, current);
        const Real* potential = t > 0 ? potentials(t - 1) : silence_.data();
        const Real* spike = t > 0 ? spikes(t - 1) : silence_.data();
        kernels::with_reset_form(neuron_, [&](const auto& step) {
            if (layer_.smooth)
                advance_row<Real>(step, potential, spike, current, row(potentials_, t), row(spikes_, t));
            else
                advance_row<bool>(step, potential, spike, current, row(potentials_, t), row(spikes_, t));
        });
        if (layer_.smooth) smooth_row(potentials(t), row(spikes_, t));
    }

    const Real* potentials(int64_t t) const { return potentials_.data() + t % kept_ * size_; }
    const Real* spikes(int64_t t) const { return spikes_.data() + t % kept_ * size_; }

  private:
    const Real* filter_current(int64_t t, const Real* current) {
        if (t == 0) std::fill(synapse_.begin(), synapse_.end(), Real(0));
        const NeuronStep<ResetForm::any, Real> step{neuron_};
        for (int64_t i = 0; i < size_; ++i) synapse_[i] = step.charge(synapse_[i], current[i]);
        return synapse_.data();
    }

    Real* row(std::vector<Real>& rows, int64_t t) { return rows.data() + t % kept_ * size_; }

    template <class Spikes, class Step>
    void advance_row(const Step& step, const Real* __restrict potential, const Real* __restrict spike,
                     const Real* __restrict current, Real* __restrict next_potential,
                     Real* __restrict next_spike) const {
        const Step own = step;  // which what is stored cannot overlap
        const Real scale = input_scale_;
        for (int64_t i = 0, size = size_; i < size; ++i) {
            const auto spiked = static_cast<Spikes>(spike[i]);
            const Real u = own.potential(own.after(potential[i], spiked), spiked, scale * current[i]);
            next_potential[i] = u;
            next_spike[i] = own.fires(u) ? Real(1) : Real(0);
        }
    }

    void smooth_row(const Real* potential, Real* spike) const {
        for (int64_t i = 0; i < size_; ++i)
            spike[i] = static_cast<Real>(surrogate_step(
                layer_.surrogate, static_cast<double>(potential[i] / Real(layer_.neuron.threshold) - Real(1))));
    }

    const LifPlanes& layer_;
    kernels::NeuronConstants<Real> neuron_;
    Real input_scale_;
    int64_t size_, kept_;
    std::vector<Real> potentials_, spikes_, silence_, synapse_;
};

/// The steps of one plane whose potentials are known, read where they lie.
template <class Real>
class KnownTimeline {
  public:
    explicit KnownTimeline(const LifPlanes& layer)
        : layer_(layer), neuron_{lower_neuron<Real>(layer.neuron)}, spikes_(layer.steps * layer.size()) {}

    void set_plane(int64_t plane, const Real* all) {
        first_ = all + plane * layer_.size();
        if (!neuron_.n.to_value) return;  // no other reset asks for them
        for (int64_t t = 0; t < layer_.steps; ++t) write_spikes(potentials(t), &spikes_[t * layer_.size()]);
    }

    const Real* potentials(int64_t t) const { return first_ + t * layer_.planes * layer_.size(); }
    const Real* spikes(int64_t t) const { return &spikes_[t * layer_.size()]; }

  private:
    void write_spikes(const Real* __restrict potential, Real* __restrict spike) const {
        const auto own = neuron_;
        for (int64_t i = 0, size = layer_.size(); i < size; ++i) spike[i] = own.fires(potential[i]) ? Real(1) : Real(0);
    }

    const LifPlanes& layer_;
    NeuronStep<ResetForm::any, Real> neuron_;
    const Real* first_ = nullptr;
    std::vector<Real> spikes_;
};

/// One step back in time. S depends on the potential U through the surrogate's slope. `gradient` holds ∂/∂U[t+1] before
/// and ∂/∂U[t] after, which is β times the former and what is `added`.
template <SurrogateKind kind, class Step, class Real>
void step_back(const LifPlanes& layer, const Step& step, const Real* __restrict potential, const Real* __restrict spike,
               const Real* __restrict spike_gradient, Real* __restrict gradient, Real* __restrict added) {
    const Step own = step;  // which what is stored cannot overlap
    const Real through(layer.surrogate.through_reset ? 1 : 0), scale(layer.surrogate.scale);
    const Real inverse = Real(1) / Real(layer.neuron.threshold);
    const auto slope = [=](Real u) { return derivative_of<kind>(scale, u * inverse - Real(1)) * inverse; };
    for (int64_t i = 0, size = layer.size(); i < size; ++i) {
        const Real to_spike = spike_gradient[i] + through * own.adjoint_of_spike(potential[i]) * gradient[i];
        const Real from_spike = slope(potential[i]) * to_spike, kept = own.adjoint_of_membrane(spike[i]);
        added[i] = (kept - own.n.beta) * gradient[i] + from_spike;
        gradient[i] = kept * gradient[i] + from_spike;
    }
}

template <class Step, class Real>
void step_back(const LifPlanes& layer, const Step& step, const Real* potential, const Real* spike,
               const Real* spike_gradient, Real* gradient, Real* added) {
    switch (layer.surrogate.kind) {
        case SurrogateKind::triangle:
            return step_back<SurrogateKind::triangle>(layer, step, potential, spike, spike_gradient, gradient, added);
        case SurrogateKind::sigmoid:
            return step_back<SurrogateKind::sigmoid>(layer, step, potential, spike, spike_gradient, gradient, added);
        case SurrogateKind::fast_sigmoid:
            return step_back<SurrogateKind::fast_sigmoid>(layer, step, potential, spike, spike_gradient, gradient,
                                                          added);
        case SurrogateKind::atan:
            return step_back<SurrogateKind::atan>(layer, step, potential, spike, spike_gradient, gradient, added);
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

/// The adjoint of one plane whose timeline has been run, or is known: step t of it is read before step t of the
/// gradient is written, the last first, so that these may lie in the same place.
template <class Real>
class PlaneAdjoint {
  public:
    explicit PlaneAdjoint(const LifPlanes& layer)
        : layer_(layer),
          neuron_(lower_neuron<Real>(layer.neuron)),
          input_scale_(input_scale<Real>(layer.neuron)),
          unpooled_(layer.size()),
          gradient_(layer.size()),
          added_(layer.size()),
          sum_(layer.size()),
          synapse_(neuron_.alpha != 0 ? layer.size() : 0) {}

    /// Unless the current is constant, what each step adds may take the place of its gradient.
    template <bool kAdded, class Timeline>
    void run(const Timeline& timeline, int64_t plane, const Real* spikes_gradient, Real* current_gradient) {
        std::fill(gradient_.begin(), gradient_.end(), Real(0));
        std::fill(sum_.begin(), sum_.end(), Real(0));
        std::fill(synapse_.begin(), synapse_.end(), Real(0));
        for (int64_t t = layer_.steps - 1; t >= 0; --t) {
            const Real* pooled = spikes_gradient + (t * layer_.planes + plane) * layer_.pooled_size();
            const Real *const spikes = timeline.spikes(t), *const to_spikes = unpool(spikes, pooled);
            kernels::with_reset_form(neuron_, [&](const auto& step) {
                step_back(layer_, step, timeline.potentials(t), spikes, to_spikes, gradient_.data(), added_.data());
            });
            const Real* to_current = gradient_.data();
            if (!synapse_.empty()) to_current = filter_back(layer_.size(), neuron_.alpha, to_current, synapse_.data());
            if (layer_.constant)
                add_to(layer_.size(), to_current, sum_.data());
            else
                write_scaled(layer_.size(), input_scale_, kAdded ? added_.data() : to_current,
                             current_gradient + (t * layer_.planes + plane) * layer_.size());
        }
        if (layer_.constant)
            write_scaled(layer_.size(), input_scale_, sum_.data(), current_gradient + plane * layer_.size());
    }

  private:
    const Real* unpool(const Real* spikes, const Real* pooled_gradient) {
        if (layer_.pool.kind == PoolKind::none) return pooled_gradient;
        unpool_plane(layer_, spikes, pooled_gradient, unpooled_.data());
        return unpooled_.data();
    }

    const LifPlanes& layer_;
    kernels::NeuronConstants<Real> neuron_;
    Real input_scale_;
    std::vector<Real> unpooled_, gradient_, added_, sum_, synapse_;
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
        for (int64_t t = 0; t < layer.steps; ++t)
            timeline.advance(t, current + plane * layer.size() + t * step_stride(layer));
        adjoint.template run<false>(timeline, plane, spikes_gradient, current_gradient);
    }
}

template <class Real>
void backward_from_potentials(const LifPlanes& layer, const Real* potentials, const Real* spikes_gradient,
                              Real* current_gradient) {
    KnownTimeline<Real> timeline(layer);
    PlaneAdjoint<Real> adjoint(layer);
    for (int64_t plane = 0; plane < layer.planes; ++plane) {
        timeline.set_plane(plane, potentials);
        adjoint.template run<true>(timeline, plane, spikes_gradient, current_gradient);
    }
}

}  // namespace

SPIKELENS_WIDE void lif_forward(const LifPlanes& layer, const float* current, float* spikes) {
    forward(layer, current, spikes);
}

SPIKELENS_WIDE void lif_backward(const LifPlanes& layer, const float* current, const float* spikes_gradient,
                                 float* current_gradient) {
    backward(layer, current, spikes_gradient, current_gradient);
}

SPIKELENS_WIDE void lif_backward_from_potentials(const LifPlanes& layer, const float* potentials,
                                                 const float* spikes_gradient, float* added) {
    backward_from_potentials(layer, potentials, spikes_gradient, added);
}

void lif_forward(const LifPlanes& layer, const double* current, double* spikes) { forward(layer, current, spikes); }

void lif_backward(const LifPlanes& layer, const double* current, const double* spikes_gradient,
                  double* current_gradient) {
    backward(layer, current, spikes_gradient, current_gradient);
}

}  // namespace spikelens
