#include "checkpoints.h"

#include <fmt/format.h>

#include "spikelens/core/printable.h"
#include "spikelens/model_io/model_file.h"

namespace spikelens {

Checkpoints::Checkpoints(std::filesystem::path path, std::map<std::string, std::string> identity, double every,
                         int64_t samples, const StageNotes& notes)
    : path_(std::move(path)), identity_(std::move(identity)), every_(every), samples_(samples), notes_(notes) {}

bool Checkpoints::resume(Network& network, TrainState& state) {
    if (!std::filesystem::exists(path_)) return false;
    load_checkpoint(network, state, identity_, path_);
    is_kept(state);
    return true;
}

void Checkpoints::train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
                        const std::function<void(const Network&, const TrainState&)>& after_batch,
                        const Execution& execution, const TrainTeam& team) {
    if (team.number > 0) {
        spikelens::train(network, samples, options, state, after_batch, execution, team);
        return;
    }
    const auto keep = [&](const Network& trained, const TrainState& at) {
        if (at.part.samples == 0 || Clock::now() - saved_ >= every_) save(trained, at);
        after_batch(trained, at);
    };
    try {
        spikelens::train(network, samples, options, state, keep, execution, team);
    } catch (const Cancelled&) {
        save(network, state);
        throw;
    }
}

std::string Checkpoints::position(const TrainState& state) const {
    if (state.part.samples > 0)
        return fmt::format("epoch {} is kept up to sample {} of {}", state.epochs_done + 1, grouped(state.part.samples),
                           grouped(samples_));
    return state.epochs_done == 1 ? "1 epoch is kept" : fmt::format("{} epochs are kept", state.epochs_done);
}

void Checkpoints::save(const Network& network, const TrainState& state) {
    if (state.epochs_done == kept_epochs_ && state.part.samples == kept_samples_) return;
    save_checkpoint(network, state, identity_, path_);
    saved_ = Clock::now();
    is_kept(state);
}

void Checkpoints::is_kept(const TrainState& state) {
    kept_epochs_ = state.epochs_done;
    kept_samples_ = state.part.samples;
    if (kept_epochs_ + kept_samples_ > 0) notes_.keeps(position(state));
}

}  // namespace spikelens
