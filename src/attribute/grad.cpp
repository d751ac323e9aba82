#include "methods.h"
#include "sequence.h"

namespace spikelens {
namespace {

class Grad2D final : public AttributionMethod {
  public:
    Grad2D() {
        info_ = {
            .name = "grad2d",
            .title = "Surrogate gradient, summed over time",
            .meaning =
                "signed: change of the class score per unit of the pixel at every step, through the surrogate gradient",
            .cost = "1 forward and 1 backward",
            .source = "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023",
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true,
            .needs_gradient = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const InputGradient found = context.engine->gradient(request.input, request.targets);
        if (request.scores) request.scores->append(found.scores);
        return request.input.spiking() ? sum_over_time(found.gradient) : found.gradient;
    }
};

}  // namespace

MethodPointer make_grad2d(MethodOptions&) { return std::make_unique<Grad2D>(); }

}  // namespace spikelens
