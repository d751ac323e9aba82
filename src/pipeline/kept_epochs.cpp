#include "kept_epochs.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

namespace fs = std::filesystem;

void KeptEpochs::begin(const Network& network, const TrainState& state) const {
    const fs::path folder = files_.epoch(1).parent_path();
    std::error_code error;
    if (state.epochs_done == 0 && state.part.samples == 0) fs::remove_all(folder, error);
    if (error) throw RunError(fmt::format("cannot remove {}: {}", folder.string(), error.message()));
    if (kept_ != KeptEpoch::best) return;
    fs::create_directories(folder, error);
    if (error) throw RunError(fmt::format("cannot make {}: {}", folder.string(), error.message()));
    after_batch(network, state);
    for (int epoch = 1; epoch <= state.epochs_done; ++epoch)
        if (!fs::exists(files_.epoch(epoch)))
            throw InputError(
                fmt::format("the network after epoch {} of {} was not kept, so the best cannot be told: restart to "
                            "begin anew",
                            epoch, files_.root.string()));
}

void KeptEpochs::after_batch(const Network& network, const TrainState& state) const {
    if (kept_ == KeptEpoch::best && state.epochs_done > 0 && state.part.samples == 0)
        save_model(network, files_.epoch(state.epochs_done));
}

void KeptEpochs::choose(Network& network, const TrainState& state, const SampleSource& test,
                        const Execution& execution) {
    if (kept_ != KeptEpoch::best) return;
    for (int epoch = 1; epoch <= state.epochs_done; ++epoch) {
        const Accuracy measured =
            measure_accuracy(CpuEngine(load_model(files_.epoch(epoch)), execution), test,
                             fmt::format("test samples, epoch {} of {}", epoch, state.epochs_done));
        accuracies_.push_back(static_cast<double>(measured.correct) /
                              static_cast<double>(std::max<int64_t>(1, measured.samples)));
    }
    best_ = static_cast<int>(std::ranges::max_element(accuracies_) - accuracies_.begin()) + 1;
    network = load_model(files_.epoch(best_));
}

void KeptEpochs::tell(TrainResult& result) const {
    if (kept_ != KeptEpoch::best) return;
    result.kept_epoch = best_;
    for (size_t i = 0; i < accuracies_.size(); ++i) result.made.epochs[i].test_accuracy = accuracies_[i];
}

}  // namespace spikelens
