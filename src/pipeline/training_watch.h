#pragma once

#include <set>
#include <string>

#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/train/train.h"

#include "forecast.h"

namespace spikelens {

/// What is said of a training while it runs: how long it takes, and after every epoch how much each layer spikes, with
/// a warning for each that does not.
class TrainingWatch {
  public:
    TrainingWatch(const SampleSource& samples, int epochs, const Execution& execution, const StageNotes& notes);

    /// To be called after every batch. Costs the simulation of some samples at an epoch's end.
    void after_batch(const Network& network, const TrainState& state);

  private:
    void after_epoch(const Network& network, const EpochResult& epoch);

    const SampleSource& samples_;
    int epochs_;
    const Execution& execution_;
    const StageNotes& notes_;
    Forecast forecast_;
    std::set<std::string> silent_;  ///< layers that were warned of
};

}  // namespace spikelens
