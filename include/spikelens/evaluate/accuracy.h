#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/progress.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

struct Accuracy {
    int64_t samples = 0;
    int64_t correct = 0;    ///< an undecided sample is wrong, whatever its label
    int64_t undecided = 0;  ///< samples whose scores name no class (snn/decision.h)
    int64_t silent =
        0;  ///< inputs without a spike, all-black images: a class that is predicted comes from biases alone
    Array<int64_t> confusion;                  ///< [classes, classes], [true][predicted], without the undecided
    std::vector<int64_t> confusion_undecided;  ///< undecided samples per true class
    std::vector<int> predicted;                ///< per sample; kUndecided where there is none
};

/// Predictions of every sample, by exact simulation; memory is bounded by batches of 256. `task` names the progress.
Accuracy measure_accuracy(const Engine& engine, const SampleSource& samples, const std::string& task);

}  // namespace spikelens
