#include "binning.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"

namespace spikelens {
namespace {

constexpr int kMostSteps = 65535;
constexpr int64_t kLongestWindow = int64_t{1} << 40;
constexpr int64_t kMostSpikes = int64_t{1} << 33;
constexpr int kMostInOnePlace = std::numeric_limits<uint8_t>::max();
constexpr std::string_view kClip = ",clip";

std::string place(const Event& event) {
    return "an event at x = " + std::to_string(event.x) + ", y = " + std::to_string(event.y);
}

[[noreturn]] void refuse(const Event& event, int height, int width, int64_t first) {
    if (event.polarity > 1)
        throw InputError(place(event) + " has the polarity " + std::to_string(event.polarity) + ", expected 0 or 1");
    if (event.time < first)
        throw InputError(place(event) + " has the time " + std::to_string(event.time) +
                         ", before that of the first event, " + std::to_string(first));
    throw InputError(place(event) + " lies outside the " + std::to_string(width) + " x " + std::to_string(height) +
                     " pixels");
}

[[noreturn]] void refuse_count(const Event& event, int64_t step, const std::string& what) {
    throw InputError(what + "more than 255 events fall on x = " + std::to_string(event.x) +
                     ", y = " + std::to_string(event.y) + " in step " + std::to_string(step) +
                     "; take shorter steps, or count 255 of them by ',clip' after the binning, such as 1ms,clip");
}

/// Calls `count(step, event)` for each event that falls into a step, in order.
template <class Count>
void for_each_step(const EventRecording& recording, const Binning& binning, int height, int width, const Count& count) {
    if (recording.events.empty()) return;
    const int64_t first = recording.events.front().time;
    const auto events = static_cast<int64_t>(recording.events.size());
    for (int64_t i = 0; i < events; ++i) {
        const Event& event = recording.events[static_cast<size_t>(i)];
        if (event.x >= width || event.y >= height || event.polarity > 1 || event.time < first)
            refuse(event, height, width, first);
        const int64_t step =
            binning.by == Binning::By::time ? (event.time - first) / binning.window : i * binning.steps / events;
        if (step < binning.steps) count(step, event);
    }
}

[[noreturn]] void refuse_text(std::string_view text) {
    throw InputError(
        "'" + std::string(text) +
        "' is no binning: expected a window of time such as 1ms or 500us, so many of them such as 310x1ms, or a number "
        "of steps of equal numbers of events such as count=50; each may end in ,clip");
}

/// Digits alone, without a sign.
std::optional<int64_t> digits(std::string_view text) {
    return text.starts_with('-') ? std::nullopt : number_in<int64_t>(text);
}

/// "1ms" or "500us" in µs.
std::optional<int64_t> window(std::string_view text) {
    const bool milliseconds = text.ends_with("ms");
    if (!milliseconds && !text.ends_with("us")) return std::nullopt;
    const auto value = digits(text.substr(0, text.size() - 2));
    if (!value || *value > kLongestWindow) return std::nullopt;
    return *value * (milliseconds ? 1000 : 1);
}

}  // namespace

int steps_needed(const EventRecording& recording, int64_t window) {
    if (recording.events.empty()) return 1;
    const int64_t steps = (recording.events.back().time - recording.events.front().time) / window + 1;
    if (steps > kMostSteps)
        throw InputError("a recording of " +
                         std::to_string(recording.events.back().time - recording.events.front().time) + " us needs " +
                         std::to_string(steps) + " steps of " + std::to_string(window) + " us, more than the " +
                         std::to_string(kMostSteps) + " allowed; take longer windows, or say how many");
    return static_cast<int>(std::max<int64_t>(steps, 1));
}

void check_binning(const Binning& binning) {
    const bool by_time = binning.by == Binning::By::time;
    if (by_time && (binning.window < 1 || binning.window > kLongestWindow))
        throw InputError("a step of " + std::to_string(binning.window) + " us is not possible, expected 1 to 2^40");
    if (binning.steps < (by_time ? 0 : 1) || binning.steps > kMostSteps)
        throw InputError(std::to_string(binning.steps) + " steps are not possible, expected 1 to " +
                         std::to_string(kMostSteps));
}

void add_events(const EventRecording& recording, const Binning& binning, int height, int width,
                std::span<uint8_t> spikes) {
    for_each_step(recording, binning, height, width, [&](int64_t step, const Event& event) {
        uint8_t& count = spikes[((2 * step + event.polarity) * height + event.y) * width + event.x];
        if (count < kMostInOnePlace)
            ++count;
        else if (!binning.clip)
            refuse_count(event, step, "");
    });
}

void check_counts(const EventRecording& recording, const Binning& binning, int height, int width,
                  const std::string& what) {
    if (binning.clip) return;
    std::unordered_map<int64_t, int> counts;  // of one step; events are in the order of time
    int64_t current = 0;
    for_each_step(recording, binning, height, width, [&](int64_t step, const Event& event) {
        if (step != current) counts.clear();
        current = step;
        if (++counts[(int64_t{event.polarity} * height + event.y) * width + event.x] > kMostInOnePlace)
            refuse_count(event, step, what);
    });
}

std::vector<int64_t> sum_events(const EventRecording& recording, const Binning& binning, int height, int width) {
    std::vector<int64_t> sums(static_cast<size_t>(2) * static_cast<size_t>(height) * static_cast<size_t>(width));
    for_each_step(recording, binning, height, width, [&](int64_t, const Event& event) {
        ++sums[static_cast<size_t>((int64_t{event.polarity} * height + event.y) * width + event.x)];
    });
    return sums;
}

namespace {

Binning parse_steps(std::string_view text) {
    Binning binning;
    if (text.starts_with("count=")) {
        const auto steps = digits(text.substr(6));
        if (!steps || *steps < 1 || *steps > kMostSteps) refuse_text(text);
        binning.by = Binning::By::count;
        binning.steps = static_cast<int>(*steps);
        return binning;
    }
    const size_t cross = text.find('x');
    if (cross != std::string_view::npos) {
        const auto steps = digits(text.substr(0, cross));
        if (!steps || *steps < 1 || *steps > kMostSteps) refuse_text(text);
        binning.steps = static_cast<int>(*steps);
    }
    const auto length = window(cross == std::string_view::npos ? text : text.substr(cross + 1));
    if (!length || *length < 1 || *length > kLongestWindow) refuse_text(text);
    binning.window = *length;
    return binning;
}

}  // namespace

Binning parse_binning(std::string_view text) {
    const bool clip = text.ends_with(kClip);
    Binning binning = parse_steps(clip ? text.substr(0, text.size() - kClip.size()) : text);
    binning.clip = clip;
    return binning;
}

std::string binning_text(const Binning& binning) {
    check_binning(binning);
    const std::string end(binning.clip ? kClip : "");
    if (binning.by == Binning::By::count) return "count=" + std::to_string(binning.steps) + end;
    const bool milliseconds = binning.window % 1000 == 0;
    return (binning.steps > 0 ? std::to_string(binning.steps) + "x" : "") +
           std::to_string(milliseconds ? binning.window / 1000 : binning.window) + (milliseconds ? "ms" : "us") + end;
}

Array<uint8_t> bin_events(const EventRecording& recording, const Binning& binning, int height, int width) {
    check_binning(binning);
    if (height < 1 || width < 1)
        throw InputError("events cannot be binned on " + std::to_string(width) + " x " + std::to_string(height) +
                         " pixels");
    Binning resolved = binning;
    if (resolved.steps == 0) resolved.steps = steps_needed(recording, binning.window);
    const int64_t per_step = 2 * int64_t{height} * width;
    if (resolved.steps > kMostSpikes / per_step)
        throw InputError(std::to_string(resolved.steps) + " steps of " + std::to_string(width) + " x " +
                         std::to_string(height) + " pixels are more than 2^33 numbers of spikes");
    Array<uint8_t> spikes({resolved.steps, 2, height, width});
    add_events(recording, resolved, height, width, spikes.data);
    return spikes;
}

}  // namespace spikelens
