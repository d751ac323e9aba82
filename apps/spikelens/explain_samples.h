#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/io/picture.h"

#include "console.h"
#include "run_directory.h"

namespace spikelens::app {

/// One sample to explain.
struct Sample {
    std::string name;  ///< of its files: "test00012", or "cat-0123456789" with its content's address
    std::string source;
    int64_t address = 0;  ///< of seeded methods: a test sample's index, a file's content (content_address)
    Input input;          ///< one sample
    FloatArray picture;   ///< [C, H, W], as people see it
    int label = -1;
    std::vector<std::string> changes = {};  ///< what reading changed
};

/// Files, then samples of the test set, in the order given; of files with equal name and content the first alone. What reading
/// a file changed goes to the console. Throws InputError for files that cannot be read, test samples that are not there, and
/// none.
std::vector<Sample> gather_samples(const std::vector<std::string>& files, const std::vector<int64_t>& test,
                                   const Background& background, const OpenRun& run, Console& console,
                                   const Execution& execution);

FloatArray without_batch_axis(FloatArray image);

}  // namespace spikelens::app
