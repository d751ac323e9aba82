#include "methods.h"
#include "sequence.h"

namespace spikelens {
namespace {

class Grad2D final : public AttributionMethod {
  public:
    Grad2D() {
        info_.name = "grad2d";
        info_.title = "Surrogate gradient, summed over time";
        info_.meaning = "signed: change of the class score per unit of the pixel at every step, through the surrogate gradient";
        info_.cost = "1 forward and 1 backward";
        info_.source = "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023";
        info_.unit = Unit::score;
        info_.signed_values = true;
        info_.on_spikes = true;
        info_.needs_gradient = true;
    }

    const MethodInfo& info() const override { return info_; }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const FloatArray gradient = context.engine->gradient(request.input, request.targets).gradient;
        return request.input.spiking() ? sum_over_time(gradient) : gradient;
    }

  private:
    MethodInfo info_;
};

}  // namespace

MethodPointer make_grad2d(MethodOptions&) { return std::make_unique<Grad2D>(); }

}  // namespace spikelens
