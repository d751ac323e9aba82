#include "checkpoints.h"

#include <fmt/format.h>

#include "spikelens/model_io/model_file.h"

#include "interrupt.h"

namespace spikelens::app {
namespace {

/// A batch is worth waiting for, up to here.
constexpr std::chrono::seconds kPatience{3};

}  // namespace

Checkpoints::Checkpoints(std::filesystem::path path, std::map<std::string, std::string> identity, double every, int64_t samples,
                         Console& console)
    : path_(std::move(path)), identity_(std::move(identity)), every_(every), samples_(samples), console_(console) {}

bool Checkpoints::resume(Network& network, TrainState& state) {
    if (!std::filesystem::exists(path_)) return false;
    load_checkpoint(network, state, identity_, path_);
    is_kept(state);
    return true;
}

void Checkpoints::train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state) {
    const auto after_batch = [&](const Network& trained, const TrainState& at) {
        if (at.part.samples == 0 || Clock::now() - saved_ >= every_) save(trained, at);
    };
    be_patient(kPatience);
    try {
        spikelens::train(network, samples, options, state, after_batch, console_.progress());
    } catch (const Cancelled&) {
        save(network, state);
        throw;
    }
    be_patient(kUsualPatience);
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
    if (kept_epochs_ + kept_samples_ > 0) console_.keeps(position(state));
}

}  // namespace spikelens::app
