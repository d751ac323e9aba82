#include "spikelens/data/events.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "event_readers.h"
#include "text_header.h"

namespace spikelens {
namespace {

std::string ending_of(const std::filesystem::path& path) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return ending;
}

bool starts_with(const EventFile& file, std::string_view magic) {
    return file.bytes.size() >= magic.size() &&
           std::ranges::equal(file.bytes.first(magic.size()), magic,
                              [](uint8_t byte, char letter) { return byte == static_cast<uint8_t>(letter); });
}

EventRecording read_aedat(const EventFile& file) {
    if (starts_with(file, "#!AER-DAT2.0")) return read_aedat2(file);
    if (starts_with(file, "#!AER-DAT3.1")) return read_aedat3(file);
    if (starts_with(file, "#!AER-DAT4.0")) return read_aedat4(file);
    throw InputError(file.name + " is AEDAT of a version that is not read, expected 2.0, 3.1 or 4.0");
}

EventRecording read_prophesee(const EventFile& file) {
    const bool decoded = header_value(read_text_header(file.bytes, "% ", "% end"), "% Data file containing").has_value();
    return decoded ? read_dat(file) : read_evt(file);
}

EventRecording read_by_format(const EventFile& file) {
    if (starts_with(file, "#!AER-DAT")) return read_aedat(file);
    const std::string ending = ending_of(file.name);
    if (ending == ".bin" || ending == ".bs2") return read_nmnist(file);
    if (starts_with(file, "PK")) return read_npz_events(file);
    if (starts_with(file, "% ")) return read_prophesee(file);
    throw InputError(
        file.name +
        " is of no known format of event recordings: expected AEDAT 2.0, 3.1 or 4.0 (#!AER-DAT), .npz, Prophesee .raw or "
        ".dat (%), or N-MNIST, named .bin or .bs2");
}

}  // namespace

bool has_event_ending(const std::filesystem::path& path) {
    static constexpr std::array<std::string_view, 7> endings = {".bin", ".bs2", ".aedat", ".aedat4", ".npz", ".raw", ".dat"};
    return std::ranges::count(endings, ending_of(path)) > 0;
}

EventRecording read_event_file(const EventFile& file) {
    EventRecording recording = read_by_format(file);
    recording.name = file.name;
    return recording;
}

EventRecording read_events(const std::filesystem::path& path) {
    const std::string bytes = read_file(path);
    return read_event_file({path.string(), {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}});
}

}  // namespace spikelens
