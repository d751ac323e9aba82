#include <string>

#include "spikelens/core/error.h"

#include "byte_cursor.h"
#include "camera.h"
#include "event_list.h"
#include "event_readers.h"
#include "text_header.h"

namespace spikelens {
namespace {

constexpr int kPolarityEvents = 1;

struct PacketHeader {
    int type = 0;
    int source = 0;
    int64_t event_bytes = 0, time_offset = 0, time_overflow = 0, capacity = 0, events = 0, valid = 0;
};

PacketHeader read_header(ByteCursor& cursor) {
    ByteCursor fields(cursor.take(28, "a packet's header"), "");
    PacketHeader header;
    header.type = fields.little<int16_t>("");
    header.source = fields.little<int16_t>("");
    for (int64_t* field : {&header.event_bytes, &header.time_offset, &header.time_overflow, &header.capacity,
                           &header.events, &header.valid})
        *field = fields.little<int32_t>("");
    return header;
}

void check_header(const PacketHeader& header, const ByteCursor& cursor) {
    if (header.type < 0)
        cursor.fail("the packet is compressed (type " + std::to_string(header.type) + "), expected a plain one");
    if (header.event_bytes < 1 || header.events < 0 || header.time_overflow < 0)
        cursor.fail("the packet has " + std::to_string(header.events) + " events of " +
                    std::to_string(header.event_bytes) + " bytes and " + std::to_string(header.time_overflow) +
                    " timestamp overflows, which is not possible");
    if (header.type == kPolarityEvents && (header.event_bytes != 8 || header.time_offset != 4))
        cursor.fail("the packet's polarity events have " + std::to_string(header.event_bytes) +
                    " bytes and their time at byte " + std::to_string(header.time_offset) + ", expected 8 and 4");
}

/// Bit 0: valid; 1: brighter; 2–16 row; 17–31 column.
void add_polarity_events(EventList& list, std::span<const uint8_t> events, const PacketHeader& header, size_t offset) {
    for (size_t at = 0; at < events.size(); at += 8) {
        const auto data = load_little<uint32_t>(events.data() + at);
        const auto time = load_little<int32_t>(events.data() + at + 4);
        if ((data & 1) != 0)
            list.add((header.time_overflow << 31) + time, data >> 17, data >> 2 & 0x7fff, (data & 2) != 0, offset + at);
    }
}

/// Of the header's sources the first that is known; without one its size is 0 × 0.
Camera camera_of(const TextHeader& header) {
    for (const std::string_view line : header.lines)
        if (line.starts_with("#Source "))
            if (const auto camera = find_camera(line)) return *camera;
    return {};
}

EventRecording read_aedat3(const EventFile& file) {
    const TextHeader header = read_text_header(file.bytes, "#", "#!END-HEADER");
    if (!header.ended)
        throw InputError(file.name + " has no line #!END-HEADER, expected one at the end of an AEDAT 3.1 header");
    const std::string_view format = header_value(header, "#Format:").value_or("RAW");
    if (format != "RAW")
        throw InputError(file.name + " has AEDAT 3.1 events in the format '" + std::string(format) + "', expected RAW");
    const Camera camera = camera_of(header);
    EventList list(file.name, "aedat3.1", camera.width, camera.height);
    ByteCursor cursor(file.bytes, file.name, header.size);
    int source = -1;
    while (cursor.left() > 0) {
        const PacketHeader packet = read_header(cursor);
        check_header(packet, cursor);
        const size_t offset = cursor.offset();
        const auto events = cursor.take(static_cast<size_t>(packet.events * packet.event_bytes), "a packet");
        if (packet.type != kPolarityEvents || packet.events == 0) continue;
        if (source >= 0 && packet.source != source)
            cursor.fail("events come from the sources " + std::to_string(source) + " and " +
                        std::to_string(packet.source) + ", expected one camera");
        source = packet.source;
        add_polarity_events(list, events, packet, offset);
    }
    return list.finish();
}

}  // namespace

EventFormat aedat3_format() {
    return {"AEDAT 3.1 (#!AER-DAT3.1)",
            {".aedat"},
            [](const EventFile& file) { return begins_with(file, "#!AER-DAT3.1"); },
            read_aedat3};
}

}  // namespace spikelens
