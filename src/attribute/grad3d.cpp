#include "methods.h"
#include "sequence.h"

namespace spikelens {
namespace {

class Grad3D final : public AttributionMethod {
  public:
    Grad3D() {
        info_ = {.name = "grad3d",
                 .title = "Surrogate gradient at every step",
                 .meaning =
                     "signed: change of the class score per unit of input at the place and step, through the surrogate "
                     "gradient",
                 .cost = "1 forward and 1 backward",
                 .source = "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = true,
                 .timed = true,
                 .needs_gradient = true};
    }

    /// An image is the same input at every step of the network.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const FloatArray sequence = as_sequence(request.input, context.engine->network().steps);
        const InputGradient found = context.engine->sequence_gradient(sequence, request.targets);
        if (request.scores && request.input.spiking()) request.scores->append(found.scores);
        return found.gradient;
    }
};

}  // namespace

MethodPointer make_grad3d(MethodOptions&) { return std::make_unique<Grad3D>(); }

}  // namespace spikelens
