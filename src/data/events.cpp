#include "spikelens/data/events.h"

#include <algorithm>
#include <cctype>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "event_readers.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

const std::vector<EventFormat>& all_formats() {
#define SPIKELENS_MAKE_FORMAT(name) name##_format(),
    static const std::vector<EventFormat> formats = {SPIKELENS_EVENT_FORMATS(SPIKELENS_MAKE_FORMAT)};
#undef SPIKELENS_MAKE_FORMAT
    return formats;
}

}  // namespace

bool begins_with(const EventFile& file, std::string_view magic) {
    return file.bytes.size() >= magic.size() &&
           std::ranges::equal(file.bytes.first(magic.size()), magic,
                              [](uint8_t byte, char letter) { return byte == static_cast<uint8_t>(letter); });
}

bool has_ending(const fs::path& path, const std::vector<std::string>& endings) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return std::ranges::find(endings, ending) != endings.end();
}

bool has_event_ending(const fs::path& path) {
    return std::ranges::any_of(all_formats(),
                               [&](const EventFormat& format) { return has_ending(path, format.endings); });
}

EventRecording read_event_file(const EventFile& file) {
    std::string expected;
    for (const EventFormat& format : all_formats()) {
        expected += (expected.empty() ? "" : ", ") + format.expected;
        if (!format.is_it(file)) continue;
        EventRecording recording = format.read(file);
        recording.name = file.name;
        return recording;
    }
    throw InputError(file.name + " is of no known format of event recordings, which are " + expected);
}

EventRecording read_events(const fs::path& path) {
    const std::string bytes = read_file(path);
    return read_event_file({path.string(), {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}});
}

}  // namespace spikelens
