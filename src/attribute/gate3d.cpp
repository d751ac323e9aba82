#include "spikelens/core/parallel.h"

#include "gate_sweep.h"
#include "methods.h"

namespace spikelens {
namespace {

class Gate3D final : public AttributionMethod {
  public:
    Gate3D() {
        info_ = {.name = "gate3d",
                 .title = "Gate attribution of every spike",
                 .meaning =
                     "signed: the spikes' share of the class score, every neuron taken as the gain (spikes / drive) it "
                     "had over all steps, so that spikes of one pixel count alike",
                 .cost = "1 forward and 1 sweep of linear maps",
                 .source = "Spikelens, no paper: gains n/D and one backward sweep, on spikes",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_images = false,
                 .on_spikes = true,
                 .timed = true};
    }

    /// A[t] = g ⊙ x[t]
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Array<uint8_t>& spikes = request.input.spikes;
        const GateSweep sweep(context.engine->network());
        const Recording recording = context.engine->run(request.input, sweep.request());
        FloatArray result(spikes.shape);
        parallel_for(spikes.extent(0), context.engine->execution(), [&](int64_t n, int) {
            const std::vector<float> gain = sweep.input_gain(request.input, recording, n, request.targets[n]);
            const auto from = spikes.row(n);
            const auto to = result.row(n);
            for (size_t i = 0; i < to.size(); ++i) to[i] = gain[i % gain.size()] * static_cast<float>(from[i]);
        });
        return result;
    }
};

}  // namespace

MethodPointer make_gate3d(MethodOptions&) { return std::make_unique<Gate3D>(); }

}  // namespace spikelens
