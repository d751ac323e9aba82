#pragma once

#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/pipeline/train.h"

namespace spikelens {

struct RunDirectory;

/// The networks after every epoch, in files of the run, and the choice among them. Without KeptEpoch::best it does
/// nothing.
class KeptEpochs {
  public:
    KeptEpochs(KeptEpoch kept, const RunDirectory& files) : kept_(kept), files_(files) {}

    /// Training is about to go on from here. What another training kept is removed. Throws InputError where the network
    /// of an epoch that is done was not kept.
    void begin(const Network& network, const TrainState& state) const;
    /// Keeps the network where an epoch has just ended.
    void after_batch(const Network& network, const TrainState& state) const;
    /// Makes `network` the one by which most test samples are right, the first of equals.
    void choose(Network& network, const TrainState& state, const SampleSource& test, const Execution& execution);
    /// Puts what was chosen into the result.
    void tell(TrainResult& result) const;

  private:
    KeptEpoch kept_;
    const RunDirectory& files_;
    std::vector<double> accuracies_;  ///< of each epoch
    int best_ = 0;
};

}  // namespace spikelens
