#include "training_watch.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/snn/engine.h"
#include "spikelens/train/outcome.h"

namespace spikelens {
namespace {

/// Training samples of which an epoch's rates are measured.
constexpr int64_t kSamplesWatched = 100;

std::string rates_text(const std::vector<LayerRate>& rates) {
    std::string text;
    for (const LayerRate& layer : rates)
        text += fmt::format("{} {} {:.2g} %", text.empty() ? "; spikes a neuron and step:" : ",", layer.layer,
                            100 * layer.rate);
    return text;
}

}  // namespace

TrainingWatch::TrainingWatch(const SampleSource& samples, int epochs, const Execution& execution,
                             const StageNotes& notes)
    : samples_(samples),
      epochs_(epochs),
      execution_(execution),
      notes_(notes),
      forecast_(notes,
                fmt::format("training for {} on {}", counted(epochs, "epoch"), counted(samples.size(), "sample"))) {}

void TrainingWatch::after_batch(const Network& network, const TrainState& state) {
    forecast_.update(state.epochs_done * samples_.size() + state.part.samples, epochs_ * samples_.size());
    if (state.part.samples == 0) after_epoch(network, state.history.back());
}

void TrainingWatch::after_epoch(const Network& network, const EpochResult& epoch) {
    const CpuEngine engine(std::shared_ptr<const Network>(std::shared_ptr<const Network>(), &network), execution_);
    const std::vector<LayerRate> rates = spike_rates(engine, samples_, kSamplesWatched);
    notes_.tell(fmt::format("epoch {} of {}: loss {:.4g}, {:.1f} % right{}", epoch.epoch, epochs_, epoch.loss,
                            100 * epoch.accuracy, rates_text(rates)));
    for (const std::string& layer : silent_layers(rates))
        if (silent_.insert(layer).second)
            notes_.tell(fmt::format("warning: after epoch {} no neuron of {} spikes on the first {} training samples",
                                    epoch.epoch, layer, std::min(kSamplesWatched, samples_.size())));
}

}  // namespace spikelens
