#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "spikelens/data/events.h"

/// Writers of event files after the published descriptions of their formats; they share nothing with the readers.
namespace spikelens::testing_data {

using Bytes = std::vector<uint8_t>;

inline void put_little(Bytes& bytes, uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
}
inline void put_big(Bytes& bytes, uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
}
inline void put_text(Bytes& bytes, std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); }
inline void put_bytes(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

/// A few events on 5 × 4 pixels: equal times, both polarities, the corners.
inline std::vector<Event> few_events() {
    return {{10, 0, 0, 1}, {10, 4, 3, 0}, {25, 4, 0, 1}, {1000, 0, 3, 0}, {1001, 2, 1, 1}, {5000, 2, 1, 0}};
}

inline Bytes nmnist_bytes(const std::vector<Event>& events) {
    Bytes bytes;
    for (const Event& event : events) {
        put_big(bytes, event.x, 1);
        put_big(bytes, event.y, 1);
        put_big(bytes, uint64_t{event.polarity} << 23 | static_cast<uint64_t>(event.time), 3);
    }
    return bytes;
}

/// jAER turns columns and rows round, and its DVS128 calls darker 1.
inline Bytes aedat2_dvs128_bytes(const std::vector<Event>& events,
                                 std::string_view header = "#!AER-DAT2.0\r\n# created today\r\n") {
    Bytes bytes;
    put_text(bytes, header);
    for (const Event& event : events) {
        put_big(bytes, (127U - event.y) << 8 | (127U - event.x) << 1 | (event.polarity == 1 ? 0U : 1U), 4);
        put_big(bytes, static_cast<uint64_t>(event.time), 4);
    }
    return bytes;
}
inline Bytes aedat2_davis_bytes(const std::vector<Event>& events) {
    Bytes bytes;
    put_text(bytes,
             "#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# AEChip: "
             "eu.seebetter.ini.chips.davis.DAVIS240C\r\n"
             "#End Of ASCII Header\r\n");
    for (const Event& event : events) {
        put_big(bytes, (179U - event.y) << 22 | (239U - event.x) << 12 | uint32_t{event.polarity} << 11, 4);
        put_big(bytes, static_cast<uint64_t>(event.time), 4);
    }
    return bytes;
}

inline Bytes aedat3_header(std::string_view source = "DVS128") {
    Bytes bytes;
    put_text(bytes, "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: " + std::string(source) +
                        "\r\n#Start-Time: 2020-01-01 00:00:00 (TZ+0000)\r\n#!END-HEADER\r\n");
    return bytes;
}
inline Bytes aedat3_packet(int type, int event_bytes, int64_t overflow, int64_t count, const Bytes& content,
                           int source = 1) {
    Bytes bytes;
    put_little(bytes, static_cast<uint64_t>(type), 2);
    put_little(bytes, static_cast<uint64_t>(source), 2);
    for (const int64_t field : {int64_t{event_bytes}, int64_t{4}, overflow, count, count, count})
        put_little(bytes, static_cast<uint64_t>(field), 4);
    put_bytes(bytes, content);
    return bytes;
}
inline Bytes aedat3_polarity(const std::vector<Event>& events, bool valid = true) {
    Bytes bytes;
    for (const Event& event : events) {
        put_little(bytes,
                   uint32_t{event.x} << 17 | uint32_t{event.y} << 2 | uint32_t{event.polarity} << 1 | (valid ? 1U : 0U),
                   4);
        put_little(bytes, static_cast<uint64_t>(event.time), 4);
    }
    return bytes;
}
inline Bytes aedat3_bytes(const std::vector<Event>& events) {
    Bytes bytes = aedat3_header();
    const std::vector<Event> first(events.begin(), events.begin() + 2), rest(events.begin() + 2, events.end());
    put_bytes(bytes, aedat3_packet(1, 8, 0, 2, aedat3_polarity(first)));
    put_bytes(bytes, aedat3_packet(0, 8, 0, 1, Bytes(8, 7)));  // a special event
    put_bytes(bytes, aedat3_packet(1, 8, 0, static_cast<int64_t>(rest.size()), aedat3_polarity(rest)));
    return bytes;
}

inline std::string aedat4_xml(std::string_view streams) {
    return "<dv version=\"2.0\"><node name=\"outInfo\" path=\"/mainloop/Recorder/outInfo/\">" + std::string(streams) +
           "</node></dv>";
}
inline std::string aedat4_stream(int number, std::string_view type, int width, int height) {
    return "<node name=\"" + std::to_string(number) + "\" path=\"/mainloop/Recorder/outInfo/" + std::to_string(number) +
           "/\"><attr key=\"compression\" type=\"string\">NONE</attr><attr key=\"typeIdentifier\" type=\"string\">" +
           std::string(type) + "</attr><node name=\"info\" path=\"/info/\"><attr key=\"sizeX\" type=\"int\">" +
           std::to_string(width) + "</attr><attr key=\"sizeY\" type=\"int\">" + std::to_string(height) +
           "</attr></node></node>";
}
/// FlatBuffer IOHeader { compression: int32; dataTablePosition: int64; infoNode: string }, the size before it.
inline Bytes aedat4_header(int compression, int64_t table_position, const std::string& xml) {
    Bytes buffer;
    put_little(buffer, 20, 4);  // the table
    put_text(buffer, "IOHE");
    for (const uint64_t entry : {10, 24, 4, 16, 8, 0}) put_little(buffer, entry, 2);  // layout at 8, padding
    put_little(buffer, 12, 4);  // the table at 20: back to its layout
    put_little(buffer, static_cast<uint64_t>(compression), 4);
    put_little(buffer, 16, 4);  // the text, from here (28) on: 44
    put_little(buffer, 0, 4);
    put_little(buffer, static_cast<uint64_t>(table_position), 8);
    put_little(buffer, xml.size(), 4);
    put_text(buffer, xml);
    buffer.push_back(0);
    Bytes bytes;
    put_text(bytes, "#!AER-DAT4.0\r\n");
    put_little(bytes, buffer.size(), 4);
    put_bytes(bytes, buffer);
    return bytes;
}
/// FlatBuffer EventPacket { elements: [Event] }, the size before it.
inline Bytes aedat4_events(const std::vector<Event>& events) {
    Bytes buffer;
    put_little(buffer, 16, 4);
    put_text(buffer, "EVTS");
    for (const uint64_t entry : {6, 8, 4, 0}) put_little(buffer, entry, 2);  // layout at 8, padding
    put_little(buffer, 8, 4);                                                // the table at 16
    put_little(buffer, 8, 4);                                                // the vector, from here (20) on: 28
    put_little(buffer, 0, 4);
    put_little(buffer, events.size(), 4);
    for (const Event& event : events) {
        put_little(buffer, static_cast<uint64_t>(event.time), 8);
        put_little(buffer, event.x, 2);
        put_little(buffer, event.y, 2);
        put_little(buffer, event.polarity, 4);
    }
    Bytes bytes;
    put_little(bytes, buffer.size(), 4);
    put_bytes(bytes, buffer);
    return bytes;
}
inline Bytes packed(const Bytes& content, int compression) {
    if (compression == 0) return content;
    const bool lz4 = compression <= 2;
    Bytes bytes(lz4 ? LZ4F_compressFrameBound(content.size(), nullptr) : ZSTD_compressBound(content.size()));
    bytes.resize(lz4 ? LZ4F_compressFrame(bytes.data(), bytes.size(), content.data(), content.size(), nullptr)
                     : ZSTD_compress(bytes.data(), bytes.size(), content.data(), content.size(), 3));
    return bytes;
}
inline Bytes aedat4_packet(int stream, const Bytes& content) {
    Bytes bytes;
    put_little(bytes, static_cast<uint64_t>(stream), 4);
    put_little(bytes, content.size(), 4);
    put_bytes(bytes, content);
    return bytes;
}
/// Two packets of events, between them one of frames.
inline Bytes aedat4_bytes(const std::vector<Event>& events, int compression) {
    const std::string xml = aedat4_xml(aedat4_stream(0, "EVTS", 6, 5) + aedat4_stream(1, "FRME", 6, 5));
    Bytes bytes = aedat4_header(compression, -1, xml);
    const std::vector<Event> first(events.begin(), events.begin() + 2), rest(events.begin() + 2, events.end());
    put_bytes(bytes, aedat4_packet(0, packed(aedat4_events(first), compression)));
    put_bytes(bytes, aedat4_packet(1, Bytes(11, 0xab)));
    put_bytes(bytes, aedat4_packet(0, packed(aedat4_events(rest), compression)));
    return bytes;
}

inline Bytes npy_bytes(const std::string& type, const std::string& shape, const Bytes& elements, int version = 1,
                       const std::string& order = "False") {
    std::string text = "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
    text += std::string(63 - (text.size() + 10) % 64, ' ') + "\n";
    Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<uint8_t>(version), 0};
    put_little(bytes, text.size(), version == 1 ? 2 : 4);
    put_text(bytes, text);
    put_bytes(bytes, elements);
    return bytes;
}

struct ZipMember {
    std::string name;
    Bytes content;
    bool deflated = false;
    uint64_t announced = ~uint64_t{0};  ///< a false size
};

inline Bytes deflated(const Bytes& content) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    Bytes bytes(deflateBound(&stream, content.size()));
    stream.next_in = const_cast<Bytef*>(content.data());
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = bytes.data();
    stream.avail_out = static_cast<uInt>(bytes.size());
    deflate(&stream, Z_FINISH);
    bytes.resize(stream.total_out);
    deflateEnd(&stream);
    return bytes;
}

/// Local headers and contents, the central directory, its end.
inline Bytes zip_bytes(const std::vector<ZipMember>& members) {
    Bytes bytes, directory;
    for (const ZipMember& member : members) {
        const Bytes content = member.deflated ? deflated(member.content) : member.content;
        const uint64_t size = member.announced != ~uint64_t{0} ? member.announced : member.content.size();
        Bytes fields;
        for (const uint64_t field : {20, 0, member.deflated ? 8 : 0, 0, 0x21}) put_little(fields, field, 2);
        put_little(fields, crc32(0, member.content.data(), static_cast<uInt>(member.content.size())), 4);
        put_little(fields, content.size(), 4);
        put_little(fields, size, 4);
        put_little(fields, member.name.size(), 2);
        put_little(fields, 0, 2);
        put_text(directory, "PK\x01\x02");
        put_little(directory, 20, 2);
        put_bytes(directory, fields);
        put_bytes(directory, Bytes(10));
        put_little(directory, bytes.size(), 4);
        put_text(directory, member.name);
        put_text(bytes, "PK\x03\x04");
        put_bytes(bytes, fields);
        put_text(bytes, member.name);
        put_bytes(bytes, content);
    }
    const size_t start = bytes.size();
    put_bytes(bytes, directory);
    put_text(bytes, "PK\x05\x06");
    put_little(bytes, 0, 4);
    put_little(bytes, members.size(), 2);
    put_little(bytes, members.size(), 2);
    put_little(bytes, directory.size(), 4);
    put_little(bytes, start, 4);
    put_little(bytes, 0, 2);
    return bytes;
}

inline Bytes npz_columns_bytes(const std::vector<Event>& events, bool deflate_them) {
    Bytes t, x, y, p;
    for (const Event& event : events) {
        put_little(t, static_cast<uint64_t>(event.time), 8);
        put_little(x, event.x, 2);
        put_big(y, event.y, 4);
        put_little(p, event.polarity, 1);
    }
    const std::string shape = "(" + std::to_string(events.size()) + ",)";
    return zip_bytes({{"t.npy", npy_bytes("'<i8'", shape, t), deflate_them},
                      {"x.npy", npy_bytes("'<u2'", shape, x), deflate_them},
                      {"y.npy", npy_bytes("'>i4'", shape, y, 2), deflate_them},
                      {"p.npy", npy_bytes("'|b1'", shape, p), deflate_them}});
}
inline Bytes npz_records_bytes(const std::vector<Event>& events) {
    Bytes records;
    for (const Event& event : events) {
        put_little(records, event.x, 2);
        put_little(records, event.y, 2);
        put_little(records, 0xdeadbeef, 4);
        put_little(records, static_cast<uint64_t>(event.time), 8);
        put_little(records, event.polarity, 1);
    }
    const std::string type = "[('x', '<i2'), ('y', '<i2'), ('', '|V4'), ('t', '<i8'), ('p', '|b1')]";
    return zip_bytes({{"events.npy", npy_bytes(type, "(" + std::to_string(events.size()) + ",)", records), true}});
}
/// Counts [2, 2, 2, 3].
inline Bytes npz_frames_bytes(const Bytes& counts) {
    return zip_bytes({{"frames.npy", npy_bytes("'|u1'", "(2, 2, 2, 3)", counts), true}});
}

inline Bytes evt2_bytes(const std::vector<Event>& events, std::string_view header = "% date 2020\n% evt 2.0\n% end\n") {
    Bytes bytes;
    put_text(bytes, header);
    int64_t high = -1;
    for (const Event& event : events) {
        if (event.time >> 6 != high) put_little(bytes, 0x80000000U | static_cast<uint32_t>(event.time >> 6), 4);
        high = event.time >> 6;
        put_little(bytes,
                   uint32_t{event.polarity} << 28 | static_cast<uint32_t>(event.time & 63) << 22 |
                       uint32_t{event.x} << 11 | event.y,
                   4);
    }
    return bytes;
}
inline Bytes evt3_bytes(const std::vector<Event>& events,
                        std::string_view header = "% evt 3.0\n% format EVT3;height=4;width=5\n% end\n") {
    Bytes bytes;
    put_text(bytes, header);
    for (const Event& event : events) {
        put_little(bytes, 0x8000U | (event.time >> 12 & 0xfff), 2);
        put_little(bytes, 0x6000U | (event.time & 0xfff), 2);
        put_little(bytes, event.y, 2);
        put_little(bytes, 0x2000U | uint32_t{event.polarity} << 11 | event.x, 2);
    }
    return bytes;
}
inline Bytes dat_bytes(
    const std::vector<Event>& events,
    std::string_view header = "% Data file containing CD events\n% Version 2\n% Width 5\n% Height 4\n") {
    Bytes bytes;
    put_text(bytes, header);
    put_little(bytes, 12, 1);
    put_little(bytes, 8, 1);
    for (const Event& event : events) {
        put_little(bytes, static_cast<uint64_t>(event.time), 4);
        put_little(bytes, uint32_t{event.polarity} << 28 | uint32_t{event.y} << 14 | event.x, 4);
    }
    return bytes;
}

}  // namespace spikelens::testing_data
