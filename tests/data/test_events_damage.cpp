#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "data/event_readers.h"
#include "event_bytes.h"
#include "support/mutate.h"

namespace spikelens {
namespace {

using testing_data::Bytes;
using testing_data::few_events;

struct Seed {
    std::string name;
    Bytes bytes;
};

std::vector<Seed> seeds() {
    const std::vector<Event> events = few_events();
    Bytes frames(24);
    frames[1] = 2;
    frames[20] = 1;
    return {{"nmnist.bin", testing_data::nmnist_bytes(events)},
            {"dvs128.aedat", testing_data::aedat2_dvs128_bytes(events)},
            {"davis.aedat", testing_data::aedat2_davis_bytes(events)},
            {"aedat3.aedat", testing_data::aedat3_bytes(events)},
            {"plain.aedat4", testing_data::aedat4_bytes(events, 0)},
            {"lz4.aedat4", testing_data::aedat4_bytes(events, 1)},
            {"zstd.aedat4", testing_data::aedat4_bytes(events, 3)},
            {"columns.npz", testing_data::npz_columns_bytes(events, false)},
            {"packed.npz", testing_data::npz_columns_bytes(events, true)},
            {"records.npz", testing_data::npz_records_bytes(events)},
            {"frames.npz", testing_data::npz_frames_bytes(frames)},
            {"evt2.raw", testing_data::evt2_bytes(events)},
            {"evt3.raw", testing_data::evt3_bytes(events)},
            {"events.dat", testing_data::dat_bytes(events)}};
}

bool is_possible(const EventRecording& recording) {
    return std::ranges::is_sorted(recording.events, {}, &Event::time) &&
           std::ranges::all_of(recording.events, [&](const Event& event) {
               return event.time >= 0 && event.x < recording.width && event.y < recording.height && event.polarity <= 1;
           });
}

/// Whether the bytes were refused; a test of its own when they were read.
bool is_refused(const std::string& name, const Bytes& bytes, EventRecording& recording) {
    try {
        recording = read_event_file({name, bytes});
        return false;
    } catch (const InputError& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
        return true;
    }
}

TEST(DamagedEvents, EveryTruncationIsRefusedOrAShorterRecording) {
    for (const Seed& seed : seeds())
        for (size_t length = 0; length < seed.bytes.size(); ++length) {
            EventRecording recording;
            const Bytes cut(seed.bytes.begin(), seed.bytes.begin() + static_cast<std::ptrdiff_t>(length));
            if (is_refused(seed.name, cut, recording)) continue;
            ASSERT_TRUE(is_possible(recording)) << seed.name << " of " << length;
            ASSERT_LT(recording.events.size(), few_events().size()) << seed.name << " of " << length;
        }
}

TEST(DamagedEvents, EveryMutationIsRefusedOrAPossibleRecording) {
    const uint64_t count = testing_support::mutation_count(1500);
    for (const Seed& seed : seeds()) {
        uint64_t refused = 0;
        for (uint64_t index = 0; index < count; ++index) {
            EventRecording recording;
            const Bytes bytes = testing_support::mutated(seed.bytes, index);
            if (is_refused(seed.name, bytes, recording)) {
                ++refused;
            } else {
                ASSERT_TRUE(is_possible(recording)) << seed.name << ", mutation " << index;
                ASSERT_LE(recording.events.size(), 256 * bytes.size()) << seed.name << ", mutation " << index;
            }
        }
        EXPECT_GT(refused, count / 10) << seed.name;
        EXPECT_LT(refused, count) << seed.name;
    }
}

TEST(Mutations, AreTheSameForTheSameIndexAndManyOfThemDiffer) {
    const Bytes seed = testing_data::dat_bytes(few_events());
    int same = 0;
    for (uint64_t index = 0; index < 200; ++index) {
        EXPECT_EQ(testing_support::mutated(seed, index), testing_support::mutated(seed, index));
        same += testing_support::mutated(seed, index) == seed ? 1 : 0;
    }
    EXPECT_LT(same, 40);
}

}  // namespace
}  // namespace spikelens
