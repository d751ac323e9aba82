#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/progress.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {

struct Accuracy {
    int64_t samples = 0;
    int64_t correct = 0;
    Array<int64_t> confusion;    ///< [classes, classes], [true][predicted]
    std::vector<int> predicted;  ///< per sample
};

/// Predictions of every sample, by exact simulation; memory is bounded by batches of 256. `task` names the progress.
Accuracy measure_accuracy(const Simulator& simulator, const SampleSource& samples, const std::string& task,
                          const Progress& progress = {});

}  // namespace spikelens
