#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/train/team.h"

namespace spikelens {

/// The checkpoint of a training: written at every epoch's end, within an epoch every so many seconds, and when training
/// is cancelled.
class Checkpoints {
  public:
    /// `identity` is what the checkpoint belongs to, `every` in seconds (0: after every batch), `samples` those of an
    /// epoch.
    Checkpoints(std::filesystem::path path, std::map<std::string, std::string> identity, double every, int64_t samples,
                const StageNotes& notes);

    /// Takes up what is kept. Says whether there was something.
    bool resume(Network& network, TrainState& state);

    /// Trains to the end, or to where it is cancelled: what is done by then is kept, by the first of the team.
    /// `after_batch` sees every batch.
    void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
               const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution,
               const TrainTeam& team);

    /// "epoch 1 is kept up to sample 12,300 of 60,000", "2 epochs are kept"
    std::string position(const TrainState& state) const;

  private:
    void save(const Network& network, const TrainState& state);
    void is_kept(const TrainState& state);

    using Clock = std::chrono::steady_clock;
    std::filesystem::path path_;
    std::map<std::string, std::string> identity_;
    std::chrono::duration<double> every_;
    int64_t samples_;
    const StageNotes& notes_;
    int kept_epochs_ = 0;
    int64_t kept_samples_ = 0;  ///< of the epoch after them
    Clock::time_point saved_ = Clock::now();
};

}  // namespace spikelens
