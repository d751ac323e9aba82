#include "forecast.h"

#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "spikelens/core/printable.h"

namespace spikelens {
namespace {

constexpr double kEnough = 2;  // seconds that tell how long the rest takes
constexpr double kLong = 60;   // seconds from which on a job is worth a line

}  // namespace

std::string about_text(double seconds) {
    const auto rounded = [](double value) { return value >= 100 ? std::round(value / 10) * 10 : std::round(value); };
    if (seconds < 100) return fmt::format("{:.0f} s", rounded(seconds));
    if (seconds < 100 * 60) return fmt::format("{:.0f} min", rounded(seconds / 60));
    return fmt::format("{:.0f} h", rounded(seconds / 3600));
}

void Forecast::update(int64_t done, int64_t total) {
    if (said_) return;
    if (first_ < 0) {
        first_ = done;
        started_ = Clock::now();
        return;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    if (seconds < kEnough || done <= first_) return;
    said_ = true;
    const double all = seconds * static_cast<double>(total - first_) / static_cast<double>(done - first_);
    if (all >= kLong) notes_.tell(fmt::format("{}: about {} on this machine", job_, about_text(all)));
}

Execution with_forecast(Execution execution, const StageNotes& notes) {
    const auto tasks = std::make_shared<std::map<std::string, Forecast>>();
    execution.progress = [tasks, &notes, further = std::move(execution.progress)](const ProgressEvent& event) {
        const std::string job = fmt::format("{}, {} in all", event.task, grouped(event.total));
        tasks->try_emplace(event.task, notes, job).first->second.update(event.done, event.total);
        if (further) further(event);
    };
    return execution;
}

}  // namespace spikelens
