#include <string>

#include "spikelens/core/error.h"

#include "byte_cursor.h"
#include "camera.h"
#include "event_list.h"
#include "event_readers.h"
#include "text_header.h"

namespace spikelens {
namespace {

constexpr size_t kEventBytes = 8;

/// Told by the header; without a word about it a DVS128.
Camera camera_of(const EventFile& file, const TextHeader& header) {
    const auto name = header_value(header, "# AEChip:");
    if (!name) return {.width = 128, .height = 128, .davis = false};
    const auto camera = find_camera(*name);
    if (!camera)
        throw InputError(file.name + " is a recording of the chip '" + std::string(*name) +
                         "', expected DVS128 or a DAVIS");
    return *camera;
}

/// Bit 15: external event; 14–8 row from below; 7–1 column from the right; 0: darker.
void add_dvs128(EventList& list, uint32_t address, int64_t time, size_t offset, const std::string& file) {
    if (address >> 16 != 0)
        throw InputError(file + ", byte " + std::to_string(offset) + ": the address " + std::to_string(address) +
                         " is not one of a DVS128, which has 16 bits; expected the chip in a header line '# AEChip:'");
    if ((address & 0x8000) == 0)
        list.add(time, 127 - (address >> 1 & 0x7f), 127 - (address >> 8 & 0x7f), (address & 1) == 0, offset);
}

/// Bit 31: samples of brightness and motion; 30–22 row from below; 21–12 column from the right; 11: brighter; 10:
/// external event.
void add_davis(EventList& list, const Camera& camera, uint32_t address, int64_t time, size_t offset) {
    if ((address & 0x80000400) != 0) return;
    list.add(time, camera.width - 1 - static_cast<int64_t>(address >> 12 & 0x3ff),
             camera.height - 1 - static_cast<int64_t>(address >> 22 & 0x1ff), (address & 0x800) != 0, offset);
}

EventRecording read_aedat2(const EventFile& file) {
    const TextHeader header = read_text_header(file.bytes, "#", "#End Of ASCII Header");
    const Camera camera = camera_of(file, header);
    const auto content = file.bytes.subspan(header.size);
    if (content.size() % kEventBytes != 0)
        throw InputError(file.name + " has " + std::to_string(content.size()) + " bytes after its header of " +
                         std::to_string(header.size) + ", expected a multiple of the 8 bytes of an AEDAT 2.0 event");
    EventList list(file.name, "aedat2", camera.width, camera.height);
    list.expect(content.size() / kEventBytes);
    WrappingClock clock(32);
    for (size_t at = 0; at < content.size(); at += kEventBytes) {
        const auto address = load_big<uint32_t>(content.data() + at);
        const int64_t time = clock.at(load_big<int32_t>(content.data() + at + 4));
        if (camera.davis) {
            add_davis(list, camera, address, time, header.size + at);
        } else {
            add_dvs128(list, address, time, header.size + at, file.name);
        }
    }
    return list.finish();
}

}  // namespace

EventFormat aedat2_format() {
    return {"AEDAT 2.0 (#!AER-DAT2.0)",
            {".aedat"},
            [](const EventFile& file) { return begins_with(file, "#!AER-DAT2.0"); },
            read_aedat2};
}

}  // namespace spikelens
