#include <algorithm>
#include <string>

#include "spikelens/core/error.h"

#include "aedat4_streams.h"
#include "byte_cursor.h"
#include "event_list.h"
#include "event_readers.h"
#include "flat_table.h"
#include "packet_unpacker.h"

namespace spikelens {
namespace {

constexpr size_t kVersionLine = 14;  // "#!AER-DAT4.0\r\n"
constexpr size_t kEventBytes = 16;
constexpr uint64_t kLargestPacket = uint64_t{1} << 28;

struct Header {
    Packing packing = Packing::none;
    size_t data_end = 0;  ///< where the packets end
    std::map<int, Aedat4Stream> streams;
};

bool has_identifier(std::span<const uint8_t> buffer, std::string_view identifier) {
    return buffer.size() >= 8 && std::ranges::equal(buffer.subspan(4, 4), identifier, [](uint8_t byte, char letter) {
               return byte == static_cast<uint8_t>(letter);
           });
}

Header read_header(ByteCursor& cursor, const EventFile& file) {
    const auto line = cursor.take(kVersionLine, "the version line");
    if (line[12] != '\r' || line[13] != '\n') cursor.fail("the version line does not end here");
    const auto size = cursor.little<uint32_t>("the header's size");
    const auto buffer = cursor.take(size, "the header");
    if (!has_identifier(buffer, "IOHE")) cursor.fail("the header before is not of the type IOHE");
    const std::string what = "the header of " + file.name;
    const FlatTable table(buffer, what);
    const auto packing = table.number<int32_t>(0, 0);
    if (packing < 0 || packing > static_cast<int32_t>(Packing::zstd_high))
        throw InputError(what + " names the compression " + std::to_string(packing) + ", expected 0 to 4");
    const auto table_position = table.number<int64_t>(1, -1);
    if (table_position != -1 && (table_position < static_cast<int64_t>(cursor.offset()) ||
                                 table_position > static_cast<int64_t>(file.bytes.size())))
        throw InputError(what + " places the table of packets at byte " + std::to_string(table_position) + " of " +
                         std::to_string(file.bytes.size()));
    return {static_cast<Packing>(packing),
            table_position == -1 ? file.bytes.size() : static_cast<size_t>(table_position),
            aedat4_streams(table.text(2), what)};
}

/// The number of the one stream of events.
int event_stream(const Header& header, const EventFile& file) {
    const auto is_events = [](const auto& stream) { return stream.second.type == "EVTS"; };
    const auto count = std::ranges::count_if(header.streams, is_events);
    if (count != 1)
        throw InputError("the header of " + file.name + " describes " + std::to_string(count) +
                         " streams of events (EVTS), expected one");
    return std::ranges::find_if(header.streams, is_events)->first;
}

/// Each event: time (8 bytes), x, y (2 each), brighter (1), padding.
void add_events(EventList& list, std::span<const uint8_t> buffer, const std::string& what, size_t offset) {
    if (!has_identifier(buffer, "EVTS")) throw InputError(what + " is not of the type EVTS");
    const auto events = FlatTable(buffer, what).structs(0, kEventBytes);
    for (size_t at = 0; at < events.size(); at += kEventBytes)
        list.add(load_little<int64_t>(events.data() + at), load_little<int16_t>(events.data() + at + 8),
                 load_little<int16_t>(events.data() + at + 10), events[at + 12] != 0, offset);
}

EventRecording read_aedat4(const EventFile& file) {
    ByteCursor start(file.bytes, file.name);
    const Header header = read_header(start, file);
    const int wanted = event_stream(header, file);
    const Aedat4Stream& sensor = header.streams.at(wanted);
    EventList list(file.name, "aedat4", sensor.width, sensor.height);
    ByteCursor cursor(file.bytes.first(header.data_end), file.name, start.offset());
    while (cursor.left() > 0) {
        const size_t offset = cursor.offset();
        const auto stream = cursor.little<int32_t>("a packet's stream");
        const auto size = cursor.little<int32_t>("a packet's size");
        if (!header.streams.contains(stream))
            cursor.fail("a packet belongs to stream " + std::to_string(stream) +
                        ", which the header does not describe");
        if (size < 0) cursor.fail("a packet has the size " + std::to_string(size));
        const auto packed = cursor.take(static_cast<size_t>(size), "a packet");
        if (stream != wanted) continue;
        const std::string what = file.name + ", byte " + std::to_string(offset) + ": the packet";
        add_events(list, unpack_packet(packed, header.packing, kLargestPacket, what), what, offset);
    }
    return list.finish();
}

}  // namespace

EventFormat aedat4_format() {
    return {"AEDAT 4.0 (#!AER-DAT4.0)",
            {".aedat4"},
            [](const EventFile& file) { return begins_with(file, "#!AER-DAT4.0"); },
            read_aedat4};
}

}  // namespace spikelens
