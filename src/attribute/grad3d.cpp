#include "methods.h"
#include "sequence.h"

namespace spikelens {
namespace {

class Grad3D final : public AttributionMethod {
  public:
    Grad3D() {
        info_.name = "grad3d";
        info_.title = "Surrogate gradient at every step";
        info_.meaning =
            "signed: change of the class score per unit of input at the place and step, through the surrogate gradient";
        info_.cost = "1 forward and 1 backward";
        info_.source = "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023";
        info_.unit = Unit::score;
        info_.signed_values = true;
        info_.on_spikes = true;
        info_.timed = true;
        info_.needs_gradient = true;
    }

    const MethodInfo& info() const override { return info_; }

    /// An image is the same input at every step of the network.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const FloatArray sequence = as_sequence(request.input, context.engine->network().steps);
        return context.engine->sequence_gradient(sequence, request.targets).gradient;
    }

  private:
    MethodInfo info_;
};

}  // namespace

MethodPointer make_grad3d(MethodOptions&) { return std::make_unique<Grad3D>(); }

}  // namespace spikelens
