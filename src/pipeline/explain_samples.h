#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/core/samples.h"
#include "spikelens/pipeline/explain.h"

namespace spikelens {

/// One sample to explain.
struct SampleToExplain {
    std::string name;  ///< of its files: "test00012", or "cat-0123456789" with its content's address
    std::string source;
    int64_t address = 0;  ///< of seeded methods: a test sample's index, a file's content (content_address)
    Input input;          ///< one sample
    FloatArray picture;   ///< [C, H, W], as people see it
    int label = -1;
    std::vector<std::string> changes = {};  ///< what reading changed
};

/// Files, then samples of the test set, in the order given; of files with equal name and content the first alone. A
/// line says what reading a file changed. Throws InputError for files that cannot be read, test samples that are not
/// there, and none.
std::vector<SampleToExplain> gather_samples(const Run& run, const ExplainOptions& options, const Execution& execution,
                                            const StageNotes& notes);

FloatArray without_batch_axis(FloatArray image);

}  // namespace spikelens
