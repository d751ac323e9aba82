#pragma once

#include <type_traits>

namespace spikelens::kernels {

/// A neuron lowered to what one step needs. ≥ has become > by moving the comparison one number down, and the reset has
/// become numbers that are zero where they do not apply.
template <class Real>
struct NeuronConstants {
    Real beta = 0;
    Real alpha = 0;  ///< J ← αJ + I takes the place of I where it is not 0
    Real fire_above = 0;
    Real reset_now = 0;
    Real reset_delayed = 0;
    Real v_reset = 0;
    bool to_value = false;
    Real adapt = 0;  ///< a spike raises the threshold by it, and ρ of the rise stays per step
    Real rho = 0;
};

namespace {  // each file compiles its own: instructions of one set must not reach another

/// How a spike resets the membrane, where code is compiled for it: what does not apply costs nothing.
enum class ResetForm { never, subtract, delayed, to_value, any };

/// One step of any neuron, and its adjoint; the one place that has either:
///     J ← αJ + I;  U ← βU + J − reset_delayed·S[t−1];  S[t] = [U > fire_above]
///     U ← S[t] ? (to_value ? v_reset : U − reset_now) : U
/// Where the threshold adapts, A ← ρA + adapt·S[t−1] comes off U before it is compared, and with reset_now after a
/// spike. `Lane` is a number or a vector register of numbers, `Spikes` says which of them spiked: bool, a register of
/// masks, or numbers from 0 to 1, which reset in proportion (a smooth network). What is constexpr runs on GPUs too.
template <ResetForm form, class Real>
struct NeuronStep {
    NeuronConstants<Real> n;

    /// J[t] from J[t−1] and I[t].
    template <class Lane>
    constexpr Lane charge(const Lane& synapse, const Lane& current) const {
        return n.alpha != 0 ? n.alpha * synapse + current : current;
    }

    /// U[t] when compared with the threshold, from U after step t − 1, its spikes, and J[t].
    template <class Lane, class Spikes>
    constexpr Lane potential(const Lane& membrane, const Spikes& spiked_before, const Lane& input) const {
        const Lane u = n.beta * membrane + input;
        if constexpr (form == ResetForm::delayed || form == ResetForm::any) {
            const Lane dropped = u - n.reset_delayed;
            return where(spiked_before, dropped, u);
        }
        return u;
    }

    template <class Lane>
    constexpr auto fires(const Lane& potential) const {
        return potential > n.fire_above;
    }

    /// U after the step's spikes.
    template <class Lane, class Spikes>
    constexpr Lane after(const Lane& potential, const Spikes& spiked) const {
        if constexpr (form == ResetForm::never || form == ResetForm::delayed) return potential;
        Lane reset = potential - n.reset_now;
        if constexpr (form == ResetForm::to_value) reset = n.v_reset - Lane{};
        if constexpr (form == ResetForm::any)
            if (n.to_value) reset = n.v_reset - Lane{};
        return where(spiked, reset, potential);
    }

    /// ∂U[t+1]/∂U[t] when compared with the threshold, spikes held.
    Real adjoint_of_membrane(Real spiked) const {
        return form == ResetForm::to_value ? n.beta * (Real(1) - spiked) : n.beta;
    }

    /// ∂U[t+1]/∂S[t], where a spike resets the membrane from `potential`.
    Real adjoint_of_spike(Real potential) const {
        if constexpr (form == ResetForm::to_value) return n.beta * (n.v_reset - potential);
        return -(n.beta * n.reset_now + n.reset_delayed);
    }

    /// A[t] from A[t−1] and the spikes of step t − 1.
    template <class Lane, class Spikes>
    Lane adaptation(const Lane& before, const Spikes& spiked_before) const {
        const Lane kept = n.rho * before, raised = kept + n.adapt;
        return where(spiked_before, raised, kept);
    }

    /// What a spike at once subtracts, where the threshold is higher by A[t].
    Real rise_subtracted(Real adaptation) const { return n.to_value || n.reset_now == 0 ? Real(0) : adaptation; }

  private:
    /// Both are computed already: no branch is left.
    template <class Lane, class Spikes>
    static constexpr Lane where(const Spikes& spiked, const Lane& then, const Lane& otherwise) {
        if constexpr (std::is_floating_point_v<Spikes>)
            return spiked * then + (Spikes(1) - spiked) * otherwise;
        else
            return spiked ? then : otherwise;
    }
};

/// Calls run(step) with the form that this neuron's reset has.
template <class Real, class Run>
void with_reset_form(const NeuronConstants<Real>& neuron, Run run) {
    if (neuron.to_value)
        run(NeuronStep<ResetForm::to_value, Real>{neuron});
    else if (neuron.reset_delayed != 0)
        run(NeuronStep<ResetForm::delayed, Real>{neuron});
    else if (neuron.reset_now != 0)
        run(NeuronStep<ResetForm::subtract, Real>{neuron});
    else
        run(NeuronStep<ResetForm::never, Real>{neuron});
}

}  // namespace
}  // namespace spikelens::kernels
