#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// "90 s", "41 min", "3 h": two digits, in the unit that people would take.
std::string about_text(double seconds);

/// Says once how long a job takes, as soon as its first seconds tell, and nothing of a job that is over within a
/// minute: "responses, 29,857 in all: about 41 h on this machine".
class Forecast {
  public:
    Forecast(const StageNotes& notes, std::string job) : notes_(notes), job_(std::move(job)) {}

    /// So many of all parts are done. What is done at the first call is not counted: it may be kept from an earlier
    /// time.
    void update(int64_t done, int64_t total);

  private:
    using Clock = std::chrono::steady_clock;
    const StageNotes& notes_;
    std::string job_;
    Clock::time_point started_;
    int64_t first_ = -1;
    bool said_ = false;
};

/// The same execution, whose progress says of every long task how long it takes. `notes` must outlive it.
Execution with_forecast(Execution execution, const StageNotes& notes);

}  // namespace spikelens
