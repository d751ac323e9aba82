#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "spikelens/train/train.h"

namespace spikelens {

using AfterBatch = std::function<void(const Network&, const TrainState&)>;

/// Four digits, for messages.
inline std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

}  // namespace spikelens

/// A digest of the headers that both sides of the library were compiled with (SPIKELENS_TRAIN_STAMP).
extern "C" const char spikelens_train_stamp[];

/// What the training library is loaded for: train(), all of whose input has been checked.
extern "C" void spikelens_train(spikelens::Network& network, const spikelens::SampleSource& samples,
                                const spikelens::TrainOptions& options, spikelens::TrainState& state,
                                const spikelens::AfterBatch& after_batch, const spikelens::Execution& execution);
