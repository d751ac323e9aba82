#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/data/events.h"

namespace spikelens {

/// A file of events in memory, and how messages name it.
struct EventFile {
    std::string name;
    std::span<const uint8_t> bytes;
};

/// A format of recordings. docs/formats/events.md describes each.
struct EventFormat {
    std::string expected;                      ///< "AEDAT 2.0 (#!AER-DAT2.0)": how its files are told
    std::vector<std::string> endings;          ///< of its files' names, in lower case
    bool (*is_it)(const EventFile&);           ///< no file is of two formats
    EventRecording (*read)(const EventFile&);  ///< throws InputError as read_events does
};

/// Every format: one line each, and a file events_<name>.cpp beside this one that defines <name>_format().
#define SPIKELENS_EVENT_FORMATS(format) \
    format(aedat2) format(aedat3) format(aedat4) format(npz) format(evt) format(dat) format(nmnist)

#define SPIKELENS_DECLARE_FORMAT(name) EventFormat name##_format();
SPIKELENS_EVENT_FORMATS(SPIKELENS_DECLARE_FORMAT)
#undef SPIKELENS_DECLARE_FORMAT

bool begins_with(const EventFile& file, std::string_view magic);
/// Whether a name ends with one of them (".bin"), in any case.
bool has_ending(const std::filesystem::path& path, const std::vector<std::string>& endings);
/// Of the two formats of Prophesee that begin with "% ", the one of decoded events.
bool is_dat(const EventFile& file);

/// By the right one of them.
EventRecording read_event_file(const EventFile& file);

/// Whether a file of this name can be a recording of any format.
bool has_event_ending(const std::filesystem::path& path);

}  // namespace spikelens
