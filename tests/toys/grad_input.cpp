#include "methods.h"

namespace spikelens {
namespace {

class GradTimesInput final : public AttributionMethod {
  public:
    explicit GradTimesInput(MethodOptions& options)
        : baseline_(options.baseline("what differences are measured from")) {
        info_ = {.name = "grad_input",
                 .title = "Surrogate gradient times the difference from a baseline",
                 .meaning = "signed: the pixel's share of the score, if the score were linear",
                 .cost = "1 forward and 1 backward",
                 .source = "Shrikumar, Greenside, Shcherbina, Kundaje, arXiv:1605.01713, 2016",
                 .unit = Unit::score,
                 .signed_values = true,
                 .needs_gradient = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const FloatArray& images = request.input.images;
        const FloatArray baseline = baseline_images(images, baseline_);
        FloatArray map = context.engine->gradient(request.input, request.targets).gradient;
        for (size_t i = 0; i < map.data.size(); ++i) map.data[i] *= images.data[i] - baseline.data[i];
        return map;
    }

  private:
    Baseline baseline_;
};

}  // namespace

MethodPointer make_grad_input(MethodOptions& options) { return std::make_unique<GradTimesInput>(options); }

}  // namespace spikelens
