#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "spikelens/core/progress.h"

namespace spikelens {

/// Thrown where work finds that it was asked to stop. It is no std::exception: nothing on its way takes it for an
/// error.
struct Cancelled {};

/// How work is done and who hears of it; no result depends on it. Every stage, engine and method takes one and passes
/// it on.
struct Execution {
    int threads = 0;  ///< 0: all cores this process may use
    int64_t memory =
        int64_t{1} << 30;  ///< about the bytes for samples on their way, beside networks, inputs and results
    std::string kernel{};  ///< "scalar" … "amx"; empty: SPIKELENS_KERNEL, else the best this CPU has
    Progress progress{};   ///< one call at a time, from any thread
    std::function<bool()> cancelled{};  ///< asked often and from any thread; true: throw Cancelled soon
    std::string engine = "cpu";         ///< what stages compute networks with: a name that make_engine knows

    /// Throws Cancelled when the work was asked to stop.
    void stop_if_cancelled() const {
        if (cancelled && cancelled()) throw Cancelled();
    }
    /// Tells how far the task is, and throws Cancelled when it was asked to stop.
    void report(const std::string& task, int64_t done, int64_t total, const std::string& detail = {}) const {
        stop_if_cancelled();
        report_progress(progress, task, done, total, detail);
    }
};

}  // namespace spikelens
