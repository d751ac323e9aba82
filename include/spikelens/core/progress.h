#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace spikelens {

/// What a long computation says about itself. The library never prints: it calls this, often and cheaply.
struct ProgressEvent {
    std::string task;  ///< "training, epoch 2 of 5"
    int64_t done = 0;
    int64_t total = 0;
    std::string detail;  ///< "loss 0.213", may be empty
};
using Progress = std::function<void(const ProgressEvent&)>;

inline void report_progress(const Progress& progress, const std::string& task, int64_t done, int64_t total,
                            const std::string& detail = {}) {
    if (progress) progress({task, done, total, detail});
}

}  // namespace spikelens
