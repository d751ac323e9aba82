#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "spikelens/core/error.h"

#include "data/event_readers.h"
#include "event_bytes.h"
#include "idx_files.h"

namespace spikelens {
namespace {

using testing_data::aedat4_events;
using testing_data::aedat4_header;
using testing_data::aedat4_packet;
using testing_data::aedat4_stream;
using testing_data::aedat4_xml;
using testing_data::Bytes;
using testing_data::few_events;
using testing_data::message_of;
using testing_data::npy_bytes;
using testing_data::packed;
using testing_data::put_bytes;
using testing_data::put_little;
using testing_data::zip_bytes;

EventRecording read(const Bytes& bytes) { return read_event_file({"recording", bytes}); }

void expect_refusal(const Bytes& bytes, const std::vector<std::string>& parts) {
    const std::string message = message_of<InputError>([&] { read(bytes); });
    EXPECT_NE(message.find("recording"), std::string::npos) << message;
    for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
}

long peak_kilobytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

Bytes with_packets(int compression, const std::vector<Bytes>& packets,
                   const std::string& streams = aedat4_stream(0, "EVTS", 5, 4)) {
    Bytes bytes = aedat4_header(compression, -1, aedat4_xml(streams));
    for (const Bytes& packet : packets) put_bytes(bytes, packet);
    return bytes;
}

TEST(ReadAedat4, ReadsEveryCompression) {
    for (int compression = 0; compression <= 4; ++compression) {
        const EventRecording recording = read(testing_data::aedat4_bytes(few_events(), compression));
        EXPECT_EQ(recording.format, "aedat4");
        EXPECT_EQ(recording.width, 6);
        EXPECT_EQ(recording.height, 5);
        EXPECT_EQ(recording.events, few_events());
    }
}

TEST(ReadAedat4, KeepsUnixTimes) {
    const std::vector<Event> events = {{1600000000000000, 1, 1, 0}, {1600000000000007, 2, 2, 1}};
    EXPECT_EQ(read(with_packets(1, {aedat4_packet(0, packed(aedat4_events(events), 1))})).events, events);
}

TEST(ReadAedat4, StopsAtTheTableOfPackets) {
    Bytes bytes = with_packets(0, {aedat4_packet(0, aedat4_events(few_events()))});
    const auto end = static_cast<int64_t>(bytes.size());
    bytes = aedat4_header(0, end, aedat4_xml(aedat4_stream(0, "EVTS", 5, 4)));
    put_bytes(bytes, aedat4_packet(0, aedat4_events(few_events())));
    ASSERT_EQ(static_cast<int64_t>(bytes.size()), end);
    put_bytes(bytes, Bytes(100, 0xff));
    EXPECT_EQ(read(bytes).events, few_events());
    for (const int64_t position : {int64_t{3}, int64_t{100000}, int64_t{-2}})
        expect_refusal(aedat4_header(0, position, aedat4_xml(aedat4_stream(0, "EVTS", 5, 4))), {"table of packets"});
}

TEST(ReadAedat4, WantsExactlyOneStreamOfEvents) {
    expect_refusal(with_packets(0, {}, aedat4_stream(0, "FRME", 5, 4)), {"0 streams of events"});
    expect_refusal(with_packets(0, {}, aedat4_stream(0, "EVTS", 5, 4) + aedat4_stream(3, "EVTS", 5, 4)),
                   {"2 streams of events"});
    expect_refusal(with_packets(0, {aedat4_packet(1, {})}), {"stream 1", "does not describe"});
    const EventRecording second = read(with_packets(0, {aedat4_packet(3, aedat4_events(few_events()))},
                                                    aedat4_stream(1, "FRME", 9, 9) + aedat4_stream(3, "EVTS", 5, 4)));
    EXPECT_EQ(second.events, few_events());
}

TEST(ReadAedat4, RefusesDamagedHeaders) {
    expect_refusal(aedat4_header(5, -1, aedat4_xml(aedat4_stream(0, "EVTS", 5, 4))), {"compression 5"});
    expect_refusal(aedat4_header(0, -1, "<dv><node name=\"outInfo\">"), {"leaves a node open"});
    expect_refusal(aedat4_header(0, -1, "<dv></node>"), {"not open"});
    expect_refusal(aedat4_header(0, -1, "<dv"), {"within a tag"});
    expect_refusal(aedat4_header(0, -1, aedat4_xml(aedat4_stream(0, "EVTS", 5, -4))), {"size '-4'"});
}

TEST(ReadAedat4, RefusesEventsOutsideTheSensor) {
    expect_refusal(with_packets(0, {aedat4_packet(0, aedat4_events({{1, 5, 0, 0}}))}), {"x = 5", "5 x 4"});
    expect_refusal(with_packets(0, {aedat4_packet(0, aedat4_events({{1, 0xffff, 0, 0}}))}), {"x = -1"});
    expect_refusal(with_packets(0, {aedat4_packet(0, aedat4_events({{int64_t{1} << 62, 0, 0, 0}}))}), {"2^61"});
}

/// A packet of so many zero bytes behind a size.
Bytes announcing(uint64_t size, size_t zeros) {
    Bytes content;
    put_little(content, size, 4);
    content.resize(4 + zeros);
    return content;
}

TEST(ReadAedat4, ABombIsRefusedWithoutMemory) {
    const Bytes big = announcing(100, 32 << 20);
    const std::vector<Bytes> bombs = {packed(big, 1), packed(big, 3)};
    const long before = peak_kilobytes();
    for (const int compression : {1, 3}) {
        expect_refusal(with_packets(compression, {aedat4_packet(0, bombs[compression == 1 ? 0 : 1])}),
                       {"100 bytes it announces"});
        expect_refusal(with_packets(compression, {aedat4_packet(0, packed(announcing(0xffffffff, 50), compression))}),
                       {"unpacks to 4294967295 bytes", "allowed"});
        expect_refusal(with_packets(compression, {aedat4_packet(0, packed(announcing(1 << 28, 50), compression))}),
                       {"268435456 bytes it announces"});
    }
    EXPECT_LT(peak_kilobytes() - before, 64 * 1024);
}

TEST(ReadAedat4, RefusesBytesAfterAFrame) {
    for (const int compression : {1, 3}) {
        Bytes content = packed(aedat4_events(few_events()), compression);
        content.push_back(0);
        expect_refusal(with_packets(compression, {aedat4_packet(0, content)}), {"announces"});
    }
}

Bytes little_numbers(const std::vector<uint64_t>& numbers, int bytes) {
    Bytes result;
    for (const uint64_t number : numbers) put_little(result, number, bytes);
    return result;
}

/// Two events of the times given, at (1, 2) brighter and (3, 0) darker.
Bytes two_events(const std::string& time_type, const Bytes& times, const std::string& shape = "(2,)") {
    return zip_bytes({{"t.npy", npy_bytes(time_type, shape, times)},
                      {"x.npy", npy_bytes("'|u1'", "(2,)", {1, 3})},
                      {"y.npy", npy_bytes("'|i1'", "(2,)", {2, 0}, 3)},
                      {"p.npy", npy_bytes("'<i2'", "(2,)", {1, 0, 0xff, 0xff})}});
}

TEST(ReadNpz, ReadsColumnsOfAnyNumbers) {
    const std::vector<Event> expected = {{3, 1, 2, 1}, {1000, 3, 0, 0}};
    const std::vector<std::pair<std::string, Bytes>> times = {
        {"'<i8'", little_numbers({3, 1000}, 8)},
        {"'<u8'", little_numbers({3, 1000}, 8)},
        {"'>u4'", {0, 0, 0, 3, 0, 0, 3, 0xe8}},
        {"'<i4'", little_numbers({3, 1000}, 4)},
        {"'>i2'", {0, 3, 3, 0xe8}},
        {"'<f8'", little_numbers({0x4008000000000000, 0x408f400000000000}, 8)},
        {"'<f4'", little_numbers({0x40400000, 0x447a0000}, 4)},
        {"'<f2'", little_numbers({0x4200, 0x63d0}, 2)},
    };
    for (const auto& [type, bytes] : times) {
        const EventRecording recording = read(two_events(type, bytes));
        EXPECT_EQ(recording.events, expected) << type;
        EXPECT_EQ(recording.width, 4);
        EXPECT_EQ(recording.height, 3);
    }
}

TEST(ReadNpz, ReadsRecords) { EXPECT_EQ(read(testing_data::npz_records_bytes(few_events())).events, few_events()); }

/// Columns without names may be t, x, y, p or x, y, t, p: nothing tells.
TEST(ReadNpz, RefusesMatricesWithoutNames) {
    const auto matrix = [](const std::string& type, const std::string& shape, const Bytes& bytes) {
        return zip_bytes({{"events.npy", npy_bytes(type, shape, bytes)}});
    };
    expect_refusal(matrix("'<i8'", "(2, 4)", Bytes(64)),
                   {"plain array of shape [2, 4]", "which numbers are t, x, y and p"});
    expect_refusal(matrix("'<i8'", "(8,)", Bytes(64)), {"plain array of shape [8]"});
}

TEST(ReadNpz, TurnsFramesIntoEvents) {
    // [2 steps, 2 polarities, 2 rows, 3 columns]
    Bytes counts(24);
    counts[1] = 2;           // step 0, darker, row 0, column 1: twice
    counts[6 + 3 + 2] = 1;   // step 0, brighter, row 1, column 2
    counts[12 + 6 + 0] = 3;  // step 1, brighter, row 0, column 0
    const EventRecording recording = read(testing_data::npz_frames_bytes(counts));
    const std::vector<Event> expected = {{0, 1, 0, 0},    {0, 1, 0, 0},    {0, 2, 1, 1},
                                         {1000, 0, 0, 1}, {1000, 0, 0, 1}, {1000, 0, 0, 1}};
    EXPECT_EQ(recording.events, expected);
    EXPECT_EQ(recording.width, 3);
    EXPECT_EQ(recording.height, 2);
}

TEST(ReadNpz, RefusesFramesThatAreNoCounts) {
    const auto frames = [](const std::string& type, const std::string& shape, const Bytes& bytes,
                           const std::string& order = "False") {
        return zip_bytes({{"frames.npy", npy_bytes(type, shape, bytes, 1, order)}});
    };
    expect_refusal(frames("'<f4'", "(1, 1, 1, 1)", little_numbers({0x3f000000}, 4)), {"0.5", "whole number"});
    expect_refusal(frames("'|i1'", "(1, 1, 1, 1)", {0xff}), {"-1", "0 to 255"});
    expect_refusal(frames("'<u4'", "(1, 1, 1, 1)", little_numbers({0xffffffff}, 4)), {"4294967295", "0 to 255"});
    expect_refusal(frames("'|u1'", "(1, 3, 1, 1)", {1, 1, 1}), {"[1, 3, 1, 1]", "1 or 2"});
    expect_refusal(frames("'|u1'", "(3, 1, 1)", {1, 1, 1}), {"[3, 1, 1]"});
    expect_refusal(frames("'|u1'", "(1, 1, 1, 1)", {1}, "True"), {"Fortran"});
    expect_refusal(frames("'|u1'", "(1, 1, 0, 1)", {}), {"1 x 0 pixels"});
}

TEST(ReadNpz, RefusesWhatIsNoEvents) {
    const Bytes times = little_numbers({3, 1000}, 8);
    expect_refusal(two_events("'<i8'", little_numbers({3, 1000, 7}, 8), "(3,)"), {"x.npy", "[2]", "[3]"});
    expect_refusal(two_events("'<i8'", times, "(2, 1)"), {"[2, 1]"});
    expect_refusal(two_events("'<i8'", times, "(3,)"), {"16 bytes", "expected 24"});
    expect_refusal(two_events("'<i8'", times, "(9223372036854775807, 9)"), {"too large"});
    expect_refusal(two_events("'<c16'", times), {"'<c16'"});
    expect_refusal(two_events("'|O'", times), {"'|O'"});
    expect_refusal(two_events("'<f8'", little_numbers({0x3fe0000000000000, 0}, 8)), {"0.5", "whole number"});
    expect_refusal(two_events("'<f8'", little_numbers({0x7ff8000000000000, 0}, 8)), {"nan"});
    expect_refusal(two_events("'<u8'", little_numbers({~uint64_t{0}, 0}, 8)), {"18446744073709551615"});
    expect_refusal(zip_bytes({{"a.npy", npy_bytes("'<i8'", "(0,)", {})}, {"b.npy", npy_bytes("'<i8'", "(0,)", {})}}),
                   {"2 arrays", "t, x, y and p"});
    expect_refusal(zip_bytes({{"a.npy", npy_bytes("[('x', '<i2'), ('t', '<i8'), ('p', '|b1')]", "(0,)", {})}}),
                   {"no field 'y'"});
    expect_refusal(zip_bytes({{"a.npy", {'h', 'e', 'l', 'l', 'o', '!'}}}), {"NUMPY"});
    Bytes polarity = little_numbers({2}, 1);
    expect_refusal(zip_bytes({{"t.npy", npy_bytes("'|i1'", "(1,)", {0})},
                              {"x.npy", npy_bytes("'|i1'", "(1,)", {0})},
                              {"y.npy", npy_bytes("'|i1'", "(1,)", {0})},
                              {"p.npy", npy_bytes("'|i1'", "(1,)", polarity)}}),
                   {"polarity 2"});
    for (const Bytes& mixed : {Bytes{0, 1, 0xff}, Bytes{0xff, 1, 0}})
        expect_refusal(zip_bytes({{"t.npy", npy_bytes("'|i1'", "(3,)", {0, 1, 2})},
                                  {"x.npy", npy_bytes("'|i1'", "(3,)", {0, 0, 0})},
                                  {"y.npy", npy_bytes("'|i1'", "(3,)", {0, 0, 0})},
                                  {"p.npy", npy_bytes("'|i1'", "(3,)", mixed)}}),
                       {"event 2 has the polarity", "0 and 1, or -1 and 1"});
}

TEST(ReadNpz, RefusesDamagedHeaders) {
    const auto with_text = [](const std::string& text) {
        Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
        put_little(bytes, text.size(), 2);
        testing_data::put_text(bytes, text);
        return zip_bytes({{"a.npy", bytes}});
    };
    for (const std::string text :
         {"", "{", "{'descr': '<i8'}", "{'descr': '<i8', 'fortran_order': False, 'shape': (0,), 'more': 1}",
          "{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}",
          "{'descr': '<i8', 'fortran_order': Maybe, 'shape': (0,)}",
          "{'descr': '<i8', 'fortran_order': False, 'shape': (0,)} more",
          "{'descr': '<i8, 'fortran_order': False, 'shape': (0,)}",
          "{'descr': [('t', '<i8', (2,))], 'fortran_order': False, 'shape': (0,)}",
          "{'descr': [], 'fortran_order': False, 'shape': (0,)}"})
        EXPECT_THROW(read(with_text(text)), InputError) << text;
}

TEST(ReadNpz, ReadsWhatNumpyWrites) {
    const testing_data::TemporaryFolder folder;
    const std::string script =
        "import numpy as np\n"
        "t = np.array([10, 10, 25, 1000, 1001, 5000]); x = np.array([0, 4, 4, 0, 2, 2]); y = np.array([0, 3, 0, 3, 1, "
        "1])\n"
        "p = np.array([1, 0, 1, 0, 1, 0])\n"
        "np.savez('columns.npz', t=t, x=x.astype('u1'), y=y.astype('>f4'), p=p.astype(bool))\n"
        "np.savez_compressed('packed.npz', t=t.astype('f8'), x=x, y=y, p=np.where(p == 0, -1, 1))\n"
        "r = np.zeros(6, dtype=np.dtype([('x', 'i2'), ('y', 'i2'), ('t', 'i8'), ('p', '?')], align=True))\n"
        "r['t'] = t; r['x'] = x; r['y'] = y; r['p'] = p\n"
        "np.savez('records.npz', r)\n";
    testing_data::put(folder / "write.py", script);
    const std::string command = "cd '" + folder.path().string() + "' && " SPIKELENS_PYTHON " write.py 2>/dev/null";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "this machine's Python has no numpy";
    for (const char* name : {"columns.npz", "packed.npz", "records.npz"})
        EXPECT_EQ(read_events(folder / name).events, few_events()) << name;
}

}  // namespace
}  // namespace spikelens
