#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "data/event_readers.h"
#include "event_bytes.h"
#include "idx_files.h"

namespace spikelens {
namespace {

using testing_data::aedat2_davis_bytes;
using testing_data::aedat2_dvs128_bytes;
using testing_data::aedat3_bytes;
using testing_data::aedat3_header;
using testing_data::aedat3_packet;
using testing_data::aedat3_polarity;
using testing_data::Bytes;
using testing_data::dat_bytes;
using testing_data::evt2_bytes;
using testing_data::evt3_bytes;
using testing_data::few_events;
using testing_data::message_of;
using testing_data::nmnist_bytes;
using testing_data::put_big;
using testing_data::put_bytes;
using testing_data::put_little;
using testing_data::put_text;

EventRecording read(const Bytes& bytes, const std::string& name = "recording.aedat") {
    return read_event_file({name, bytes});
}

void expect_refusal(const Bytes& bytes, const std::vector<std::string>& parts,
                    const std::string& name = "recording.aedat") {
    const std::string message = message_of<InputError>([&] { read(bytes, name); });
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
}

void expect_recording(const EventRecording& recording, const std::string& format, int width, int height,
                      const std::vector<Event>& events) {
    EXPECT_EQ(recording.format, format);
    EXPECT_EQ(recording.width, width);
    EXPECT_EQ(recording.height, height);
    EXPECT_EQ(recording.events, events);
}

TEST(ReadEvents, TellsEveryFormatByItsContent) {
    const testing_data::TemporaryFolder folder;
    const auto read_file_of = [&](const std::string& name, const Bytes& bytes) {
        testing_data::put(folder / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        return read_events(folder / name);
    };
    const std::vector<Event> events = few_events();
    expect_recording(read_file_of("a.bin", nmnist_bytes(events)), "nmnist", 34, 34, events);
    expect_recording(read_file_of("a.BS2", nmnist_bytes(events)), "nmnist", 34, 34, events);
    expect_recording(read_file_of("a", aedat2_dvs128_bytes(events)), "aedat2", 128, 128, events);
    expect_recording(read_file_of("b", aedat3_bytes(events)), "aedat3.1", 128, 128, events);
    expect_recording(read_file_of("c", testing_data::aedat4_bytes(events, 1)), "aedat4", 6, 5, events);
    expect_recording(read_file_of("d", testing_data::npz_columns_bytes(events, true)), "npz", 5, 4, events);
    expect_recording(read_file_of("e", evt2_bytes(events)), "evt2", 5, 4, events);
    expect_recording(read_file_of("f", evt3_bytes(events)), "evt3", 5, 4, events);
    expect_recording(read_file_of("g", dat_bytes(events)), "dat", 5, 4, events);
    EXPECT_THROW(read_events(folder / "missing"), InputError);
    EXPECT_THROW(read_events(folder.path()), InputError);
}

TEST(ReadEvents, RefusesUnknownFormats) {
    expect_refusal({}, {"no known format"});
    expect_refusal(nmnist_bytes(few_events()), {"no known format", ".bs2"});
    Bytes old;
    put_text(old, "#!AER-DAT1.0\r\n");
    expect_refusal(old, {"AEDAT 2.0 (", "AEDAT 3.1 (", "AEDAT 4.0 ("});
    expect_refusal(old, {"AEDAT 2.0 ("}, "recording.bin");
}

TEST(ReadNmnist, ReadsTheBitsOfAnEvent) {
    // x = 33, y = 2, brighter, t = 0x7edcba: all 23 bits of the time.
    expect_recording(read({33, 2, 0xfe, 0xdc, 0xba}, "1.bin"), "nmnist", 34, 34, {{0x7edcba, 33, 2, 1}});
    expect_recording(read({33, 2, 0x7e, 0xdc, 0xba}, "1.bin"), "nmnist", 34, 34, {{0x7edcba, 33, 2, 0}});
}

TEST(ReadNmnist, ARowOf240IsAnOverflowOfTheTime) {
    const Bytes bytes = nmnist_bytes({{5, 1, 1, 1}, {0, 0, 240, 0}, {6, 2, 2, 0}, {0, 9, 240, 1}, {7, 3, 3, 1}});
    expect_recording(read(bytes, "1.bin"), "nmnist", 34, 34,
                     {{5, 1, 1, 1}, {8192 + 6, 2, 2, 0}, {2 * 8192 + 7, 3, 3, 1}});
}

TEST(ReadNmnist, SortsStablyAndGrowsTheSensorOnlyWhenItMust) {
    const EventRecording sorted =
        read(nmnist_bytes({{9, 34, 0, 1}, {3, 1, 0, 1}, {9, 2, 0, 0}, {3, 0, 7, 0}}), "1.bin");
    expect_recording(sorted, "nmnist", 35, 8, {{3, 1, 0, 1}, {3, 0, 7, 0}, {9, 34, 0, 1}, {9, 2, 0, 0}});
    expect_recording(read({}, "1.bin"), "nmnist", 34, 34, {});
    expect_refusal({1, 2, 3, 4}, {"4 bytes", "multiple of the 5"}, "1.bin");
}

TEST(ReadAedat2, ReadsDvs128AddressesAsJaerDoes) {
    Bytes bytes;
    put_text(bytes, "#!AER-DAT2.0\r\n");
    put_big(bytes, 100 << 8 | 3 << 1 | 1, 4);  // row 100 from below, column 3 from the right, darker
    put_big(bytes, 77, 4);
    put_big(bytes, 0x8000, 4);  // an external event
    put_big(bytes, 78, 4);
    expect_recording(read(bytes), "aedat2", 128, 128, {{77, 124, 27, 0}});
}

TEST(ReadAedat2, ReadsDavisAddressesAndLeavesSamplesOut) {
    Bytes bytes = aedat2_davis_bytes(few_events());
    for (const uint32_t address : {0x80000000U, 0x80000c00U, 0x00000400U}) {  // brightness, motion, external
        put_big(bytes, address, 4);
        put_big(bytes, 90, 4);
    }
    expect_recording(read(bytes), "aedat2", 240, 180, few_events());
}

TEST(ReadAedat2, TimesGoOnWhenTheCounterWraps) {
    std::vector<Event> events = {{0x7fffffff, 0, 0, 1}, {0x80000000, 0, 0, 1}, {0xffffffff, 0, 0, 1}};
    Bytes bytes = aedat2_dvs128_bytes(events);
    put_bytes(bytes, aedat2_dvs128_bytes({{4, 0, 0, 1}}, ""));
    events.push_back({0x100000004, 0, 0, 1});
    expect_recording(read(bytes), "aedat2", 128, 128, events);
    // A counter that begins below zero: the first event comes to 0.
    expect_recording(read(aedat2_dvs128_bytes({{0xfffffffe, 0, 0, 1}, {3, 1, 1, 0}})), "aedat2", 128, 128,
                     {{0, 0, 0, 1}, {5, 1, 1, 0}});
}

TEST(ReadAedat2, AnAddressThatLooksLikeAHeaderLineIsNone) {
    // 0x23 is '#': row 140 from below of a DAVIS, whose other bytes are no text.
    Bytes bytes;
    put_text(bytes, "#!AER-DAT2.0\r\n# AEChip: DAVIS240C\r\n");
    const size_t header = bytes.size();
    put_big(bytes, 0x23000800, 4);
    put_big(bytes, 10, 4);
    ASSERT_EQ(bytes[header], '#');
    expect_recording(read(bytes), "aedat2", 240, 180, {{10, 239, 39, 1}});
}

TEST(ReadAedat2, RefusesWhatItCannotTell) {
    const Bytes davis = aedat2_davis_bytes({{1, 0, 0, 1}});
    Bytes unnamed;
    put_text(unnamed, "#!AER-DAT2.0\r\n");
    unnamed.insert(unnamed.end(), davis.end() - 8, davis.end());
    expect_refusal(unnamed, {"byte 14", "DVS128", "# AEChip:"});
    expect_refusal(aedat2_dvs128_bytes({}, "#!AER-DAT2.0\r\n# AEChip: Cochlea\r\n"), {});
    expect_refusal(aedat2_dvs128_bytes({}, "#!AER-DAT2.0\r\n# AEChip: Cochlea\r\n"), {"'Cochlea'", "DAVIS"});
    Bytes cut = aedat2_dvs128_bytes(few_events());
    cut.pop_back();
    expect_refusal(cut, {"multiple of the 8"});
}

TEST(ReadAedat3, ReadsPolarityEventsAndLeavesOthersOut) {
    Bytes bytes = aedat3_bytes(few_events());
    put_bytes(bytes, aedat3_packet(1, 8, 0, 1, aedat3_polarity({{6000, 1, 1, 1}}, false)));  // not valid
    put_bytes(bytes, aedat3_packet(2, 40, 0, 2, Bytes(80)));                                 // frames
    put_bytes(bytes, aedat3_packet(1, 8, 1, 1, aedat3_polarity({{3, 127, 126, 0}})));        // after 2^31 µs
    std::vector<Event> events = few_events();
    events.push_back({(int64_t{1} << 31) + 3, 127, 126, 0});
    expect_recording(read(bytes), "aedat3.1", 128, 128, events);
}

TEST(ReadAedat3, TakesTheSensorFromTheSource) {
    Bytes bytes = aedat3_header("DAVIS346B");
    put_bytes(bytes, aedat3_packet(1, 8, 0, 1, aedat3_polarity({{3, 345, 259, 0}})));
    expect_recording(read(bytes), "aedat3.1", 346, 260, {{3, 345, 259, 0}});
    Bytes unknown = aedat3_header("Something");
    put_bytes(unknown, aedat3_packet(1, 8, 0, 1, aedat3_polarity({{3, 500, 20, 0}})));
    expect_recording(read(unknown), "aedat3.1", 501, 21, {{3, 500, 20, 0}});
}

TEST(ReadAedat3, RefusesDamage) {
    const auto with = [](const Bytes& packet) {
        Bytes bytes = aedat3_header();
        put_bytes(bytes, packet);
        return bytes;
    };
    const Bytes event = aedat3_polarity({{3, 1, 2, 0}});
    expect_refusal(with(aedat3_packet(1, 8, 0, 2, event)), {"truncated", "8 of the 16 bytes"});
    expect_refusal(with(aedat3_packet(1, 8, 0, -1, event)), {"-1 events"});
    expect_refusal(with(aedat3_packet(1, 0, 0, 1, event)), {"0 bytes"});
    expect_refusal(with(aedat3_packet(1, 0x7fffffff, 0, 0x7fffffff, event)), {"2147483647 bytes"});
    expect_refusal(with(aedat3_packet(2, 0x7fffffff, 0, 0x7fffffff, event)), {"truncated"});
    expect_refusal(with(aedat3_packet(0x8001, 8, 0, 1, event)), {"compressed"});
    expect_refusal(with(aedat3_packet(1, 8, 0, 1, aedat3_polarity({{3, 128, 2, 0}}))), {"x = 128", "128 x 128"});
    Bytes two = with(aedat3_packet(1, 8, 0, 1, event, 1));
    put_bytes(two, aedat3_packet(1, 8, 0, 1, event, 2));
    expect_refusal(two, {"sources 1 and 2"});
    Bytes headless;
    put_text(headless, "#!AER-DAT3.1\r\n#Format: RAW\r\n");
    expect_refusal(headless, {"#!END-HEADER"});
    Bytes other;
    put_text(other, "#!AER-DAT3.1\r\n#Format: SerializedTS\r\n#!END-HEADER\r\n");
    expect_refusal(other, {"'SerializedTS'", "RAW"});
}

Bytes evt2_words(const std::vector<uint32_t>& words) {
    Bytes bytes;
    put_text(bytes, "% evt 2.0\n% end\n");
    for (const uint32_t word : words) put_little(bytes, word, 4);
    return bytes;
}

TEST(ReadEvt2, ReadsTheBitsOfItsWords) {
    // Before the first time word an event has no time; triggers and extensions are left out.
    const Bytes bytes = evt2_words({0x10000000, 0x80000002, 0x1fc00000 | 5 << 11 | 7, 0xa0000000, 0xe1234567,
                                    0xf0000001, 0x00400000 | 2047 << 11 | 2047});
    expect_recording(read(bytes), "evt2", 2048, 2048, {{2 * 64 + 1, 2047, 2047, 0}, {2 * 64 + 63, 5, 7, 1}});
}

TEST(ReadEvt2, TimesGoOnWhenTheCounterWraps) {
    const Bytes bytes = evt2_words({0x8fffffff, 0x00000000, 0x80000000, 0x00000000});
    const int64_t end = int64_t{0xfffffff} * 64;
    expect_recording(read(bytes), "evt2", 1, 1, {{end, 0, 0, 0}, {end + 64, 0, 0, 0}});
}

TEST(ReadEvt2, RefusesReservedWordsAndTruncation) {
    expect_refusal(evt2_words({0x80000002, 0x50000000}), {"byte 20", "type 5"});
    Bytes cut = evt2_words({0x80000002});
    cut.pop_back();
    expect_refusal(cut, {"truncated", "words of 4"});
}

Bytes evt3_words(const std::vector<uint32_t>& words, const std::string& header = "% evt 3.0\n% end\n") {
    Bytes bytes;
    put_text(bytes, header);
    for (const uint32_t word : words) put_little(bytes, word, 2);
    return bytes;
}

TEST(ReadEvt3, PaddingOfCamerasIsPassedOver) {
    const Bytes bytes = evt3_words({0x9999, 0x8001, 0x9999, 0x0001, 0x2001, 0x3002, 0x9999, 0x5001, 0x9999});
    expect_recording(read(bytes), "evt3", 3, 2, {{4096, 1, 1, 0}, {4096, 2, 1, 0}});
    for (const uint32_t reserved : {0x9998, 0x9000, 0xb999, 0xc999, 0xd999})
        expect_refusal(evt3_words({0x8001, reserved}), {"reserved type"});
}

TEST(ReadEvt3, ReadsSingleEventsAndVectors) {
    const Bytes bytes = evt3_words({0x8001, 0x6002, 0x0007, 0x2000 | 0x800 | 9,     // one event, brighter
                                    0x3000 | 0x800 | 100, 0x4000 | 0b100000000001,  // 100 and 111, brighter
                                    0x5000 | 0b10000001,                           // 112 and 119: the base has moved on
                                    0x6003, 0x0008, 0x3000 | 20, 0x5000 | 0b10});  // 21, darker, in another row
    const int64_t time = 4096 + 2;
    expect_recording(read(bytes), "evt3", 120, 9,
                     {{time, 9, 7, 1},
                      {time, 100, 7, 1},
                      {time, 111, 7, 1},
                      {time, 112, 7, 1},
                      {time, 119, 7, 1},
                      {time + 1, 21, 8, 0}});
}

TEST(ReadEvt3, LeavesOutWhatHasNoTimeRowOrBaseYet) {
    const Bytes bytes =
        evt3_words({0x2001, 0x8000, 0x2002, 0x4fff, 0x0001, 0x5001, 0xa000, 0xe000, 0xf000, 0x7000, 0x2003});
    expect_recording(read(bytes), "evt3", 4, 2, {{0, 3, 1, 0}});
}

TEST(ReadEvt3, TimesGoOnWhenTheCounterWraps) {
    const Bytes bytes = evt3_words({0x8fff, 0x6fff, 0x0000, 0x2000, 0x8000, 0x2001, 0x6001, 0x2002, 0x8000, 0x2003});
    const int64_t wrap = int64_t{1} << 24;
    expect_recording(read(bytes), "evt3", 4, 1,
                     {{wrap - 1, 0, 0, 0}, {wrap, 1, 0, 0}, {wrap + 1, 2, 0, 0}, {wrap + 1, 3, 0, 0}});
}

TEST(ReadEvt3, TakesTheSensorFromAnyOfTheHeaderLines) {
    for (const std::string header : {"% evt 3.0\n% geometry 1280x720\n", "% format EVT3;height=720;width=1280\n% end\n",
                                     "% evt 3.0\n% width 1280\n% height 720\n% end\n"}) {
        const EventRecording recording = read(evt3_words({0x8000, 0x0000, 0x24ff}, header));
        expect_recording(recording, "evt3", 1280, 720, {{0, 1279, 0, 0}});
        expect_refusal(evt3_words({0x8000, 0x0000, 0x2500}, header), {"x = 1280", "1280 x 720"});
    }
}

TEST(ReadEvt3, RefusesOtherEncodings) {
    expect_refusal(evt3_words({}, "% evt 2.1\n% end\n"), {"EVT 2.1", "EVT2 or EVT3"});
    expect_refusal(evt3_words({}, "% format EVT21;endianness=legacy;height=320;width=320\n"), {"legacy-endian"});
    expect_refusal(evt3_words({}, "% date today\n% end\n"), {"does not say its encoding"});
    expect_refusal(evt3_words({}, "% format EVT3;height=many;width=320\n"), {"'many'"});
    expect_refusal(evt3_words({}, "% format EVT3;height=100000;width=320\n"), {"320 x 100000"});
    expect_refusal(evt3_words({}, "% format EVT3;height=100\n"), {"without the other"});
    expect_refusal(evt3_words({0x1000}), {"type 1"});
}

TEST(ReadDat, ReadsTheBitsOfAnEvent) {
    const Bytes bytes =
        dat_bytes({{0xfffffff0, 16383, 16382, 1}, {3, 0, 0, 0}}, "% Data file containing CD events\n% Version 2\n");
    expect_recording(read(bytes), "dat", 16384, 16383, {{0xfffffff0, 16383, 16382, 1}, {0x100000003, 0, 0, 0}});
}

TEST(ReadDat, RefusesOtherVersionsKindsAndTruncation) {
    expect_refusal(dat_bytes({}, "% Data file containing CD events\n% Version 1\n"), {"version 1", "expected 2"});
    expect_refusal(dat_bytes({}, "% Data file containing CD events\n"), {"(not said)"});
    Bytes kind = dat_bytes({});
    kind[kind.size() - 2] = 14;
    expect_refusal(kind, {"type 14"});
    Bytes cut = dat_bytes(few_events());
    cut.pop_back();
    expect_refusal(cut, {"truncated", "multiple of 8"});
    expect_refusal(dat_bytes({{1, 5, 0, 0}}), {"x = 5", "5 x 4"});
}

}  // namespace
}  // namespace spikelens
