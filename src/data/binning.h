#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/data/events.h"

namespace spikelens {

/// Steps that the recording needs with windows of time, at least one. Throws InputError when that is more than 65535.
int steps_needed(const EventRecording& recording, int64_t window);

/// bin_events into `spikes`, [steps, 2, height, width]; adds to what is there. `binning.steps` is at least 1.
void add_events(const EventRecording& recording, const Binning& binning, int height, int width,
                std::span<uint8_t> spikes);

/// Throws InputError, opened by `what`, unless add_events takes the recording; in time and memory of its events alone.
void check_counts(const EventRecording& recording, const Binning& binning, int height, int width,
                  const std::string& what);

/// The spikes of all steps summed, [2, height, width]. `binning.steps` is at least 1.
std::vector<int64_t> sum_events(const EventRecording& recording, const Binning& binning, int height, int width);

/// Runs what reads a recording and gives back what it returns; an InputError is told with the recording's name, or as
/// sample `index` where it has none.
template <class Body>
auto of_recording(const EventRecording& recording, int64_t index, Body&& body) {
    try {
        return body();
    } catch (const InputError& error) {
        const std::string name = recording.name.empty() ? "sample " + std::to_string(index) : recording.name;
        throw InputError(name + ": " + error.what());
    }
}

/// Throws InputError for a window or steps that cannot be: those of `parse_binning`, or no steps when binning by count.
void check_binning(const Binning& binning);

}  // namespace spikelens
