#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "spikelens/data/events.h"

namespace spikelens {

/// A file of events in memory, and how messages name it.
struct EventFile {
    std::string name;
    std::span<const uint8_t> bytes;
};

// One reader per format; docs/formats/events.md describes each. All throw InputError as read_events does.
EventRecording read_nmnist(const EventFile& file);
EventRecording read_aedat2(const EventFile& file);
EventRecording read_aedat3(const EventFile& file);
EventRecording read_aedat4(const EventFile& file);
EventRecording read_npz_events(const EventFile& file);
EventRecording read_evt(const EventFile& file);  ///< EVT2 and EVT3, told by the header
EventRecording read_dat(const EventFile& file);

/// By the right one of them, told by content and by the name's ending.
EventRecording read_event_file(const EventFile& file);

/// Whether a file of this name can be a recording: .bin, .bs2, .aedat, .aedat4, .npz, .raw, .dat, in any case.
bool has_event_ending(const std::filesystem::path& path);

}  // namespace spikelens
