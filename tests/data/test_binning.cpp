#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/data/events.h"

#include "idx_files.h"

namespace spikelens {
namespace {

using testing_data::message_of;

Binning by_time(int64_t window, int steps = 0) { return {.by = Binning::By::time, .window = window, .steps = steps}; }
Binning by_count(int steps) { return {.by = Binning::By::count, .window = 1000, .steps = steps}; }

/// A recording on `width` × `height` pixels that begins at any time.
EventRecording random_recording(uint64_t seed, int events, int height, int width) {
    const auto draw = [&](uint64_t what, uint64_t i, uint64_t below) {
        return random_bits(seed, Stream::test, {what, i}) % below;
    };
    EventRecording recording{.format = "test", .width = width, .height = height, .events = {}};
    auto time = static_cast<int64_t>(draw(0, 0, 100000));
    for (uint64_t i = 0; i < static_cast<uint64_t>(events); ++i) {
        recording.events.push_back({time, static_cast<uint16_t>(draw(1, i, static_cast<uint64_t>(width))),
                                    static_cast<uint16_t>(draw(2, i, static_cast<uint64_t>(height))),
                                    static_cast<uint8_t>(draw(3, i, 2))});
        time += static_cast<int64_t>(draw(4, i, 700));
    }
    return recording;
}

/// One number by its definition: how many events of this place fall into this step.
int64_t events_at(const EventRecording& recording, const Binning& binning, int64_t steps, int64_t step,
                  int64_t polarity, int64_t y, int64_t x) {
    int64_t count = 0;
    const auto n = static_cast<int64_t>(recording.events.size());
    for (int64_t i = 0; i < n; ++i) {
        const Event& event = recording.events[static_cast<size_t>(i)];
        const int64_t since = event.time - recording.events[0].time;
        const bool within = binning.by == Binning::By::time
                                ? since >= step * binning.window && since < (step + 1) * binning.window
                                : i * steps / n == step;
        if (within && event.polarity == polarity && event.y == y && event.x == x) ++count;
    }
    return count;
}

TEST(BinEvents, IsTheDefinition) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
        const int height = 1 + static_cast<int>(seed % 4), width = 1 + static_cast<int>(seed % 3);
        const EventRecording recording = random_recording(seed, 1 + static_cast<int>(seed * 3), height, width);
        for (const Binning& binning :
             {by_time(1000), by_time(333, 7), by_time(50000, 2), by_count(1), by_count(9), by_count(200)}) {
            const Array<uint8_t> spikes = bin_events(recording, binning, height, width);
            ASSERT_EQ(spikes.shape.size(), 4U);
            const int64_t steps = spikes.extent(0);
            if (binning.steps > 0) {
                ASSERT_EQ(steps, binning.steps);
            }
            ASSERT_EQ(spikes.shape, (Shape{steps, 2, height, width}));
            size_t i = 0;
            for (int64_t step = 0; step < steps; ++step)
                for (int64_t polarity = 0; polarity < 2; ++polarity)
                    for (int64_t y = 0; y < height; ++y)
                        for (int64_t x = 0; x < width; ++x)
                            ASSERT_EQ(spikes.data[i++], events_at(recording, binning, steps, step, polarity, y, x))
                                << "seed " << seed << ", " << binning_text(binning);
        }
    }
}

TEST(BinEvents, TakesAsManyStepsAsTheRecordingNeeds) {
    EventRecording recording{.format = "test", .width = 1, .height = 1, .events = {{7000, 0, 0, 0}, {7999, 0, 0, 0}}};
    EXPECT_EQ(bin_events(recording, by_time(1000), 1, 1).extent(0), 1);
    recording.events.push_back({8000, 0, 0, 1});
    const Array<uint8_t> spikes = bin_events(recording, by_time(1000), 1, 1);
    EXPECT_EQ(spikes.data, (std::vector<uint8_t>{2, 0, 0, 1}));
    EXPECT_EQ(bin_events({}, by_time(1000), 2, 3), (Array<uint8_t>({1, 2, 2, 3})));
    EXPECT_EQ(bin_events({}, by_count(4), 2, 3), (Array<uint8_t>({4, 2, 2, 3})));
}

TEST(BinEvents, ByCountNoEventIsLostAndStepsDifferByOneAtMost) {
    for (const int events : {1, 10, 99, 100, 101, 257}) {
        const Array<uint8_t> spikes = bin_events(random_recording(5, events, 3, 3), by_count(10), 3, 3);
        std::vector<int> totals;
        for (int64_t step = 0; step < 10; ++step)
            totals.push_back(std::accumulate(spikes.row(step).begin(), spikes.row(step).end(), 0));
        EXPECT_EQ(std::accumulate(totals.begin(), totals.end(), 0), events);
        EXPECT_LE(std::ranges::max(totals) - std::ranges::min(totals), 1);
    }
}

TEST(BinEvents, RefusesWhatDoesNotFit) {
    const auto refusal = [](const EventRecording& recording, const Binning& binning, int height = 2, int width = 3) {
        return message_of<InputError>([&] { bin_events(recording, binning, height, width); });
    };
    const auto one = [](Event event) {
        return EventRecording{.format = "test", .width = 0, .height = 0, .events = {event}};
    };
    EXPECT_NE(refusal(one({0, 3, 0, 0}), by_time(1000)).find("x = 3"), std::string::npos);
    EXPECT_NE(refusal(one({0, 0, 2, 0}), by_time(1000)).find("y = 2"), std::string::npos);
    EXPECT_NE(refusal(one({0, 0, 0, 2}), by_time(1000)).find("polarity 2"), std::string::npos);
    EventRecording many{
        .format = "test", .width = 1, .height = 1, .events = std::vector<Event>(255, Event{5, 0, 0, 1})};
    EXPECT_EQ(bin_events(many, by_time(1000), 1, 1).data, (std::vector<uint8_t>{0, 255}));
    many.events.push_back({6, 0, 0, 1});
    EXPECT_NE(refusal(many, by_time(1000)).find("more than 255 events fall on x = 0, y = 0 in step 0"),
              std::string::npos);
    Binning clipped = by_time(1000);
    clipped.clip = true;
    EXPECT_EQ(bin_events(many, clipped, 1, 1).data, (std::vector<uint8_t>{0, 255}));
    const EventRecording backwards{.format = "test", .width = 1, .height = 1, .events = {{5, 0, 0, 0}, {4, 0, 0, 0}}};
    EXPECT_NE(refusal(backwards, by_time(1000)).find("before that of the first"), std::string::npos);
    const EventRecording endless{
        .format = "test", .width = 1, .height = 1, .events = {{0, 0, 0, 0}, {int64_t{1} << 60, 0, 0, 0}}};
    EXPECT_NE(refusal(endless, by_time(1000)).find("65535"), std::string::npos);
    EXPECT_NE(refusal({}, by_time(1000, 65535), 60000, 60000).find("2^33"), std::string::npos);
    for (const Binning& impossible : {by_time(0), by_time(-5), by_time(1000, -1), by_time(1000, 65536), by_count(0)})
        EXPECT_FALSE(refusal({}, impossible).empty());
    EXPECT_FALSE(refusal({}, by_time(1000), 0, 3).empty());
}

TEST(ParseBinning, ReadsWhatItWrites) {
    const std::vector<std::pair<std::string, Binning>> forms = {
        {"1ms", by_time(1000)},         {"500us", by_time(500)},    {"310x1ms", by_time(1000, 310)},
        {"2x1500us", by_time(1500, 2)}, {"count=50", by_count(50)}, {"65535x1us", by_time(1, 65535)}};
    for (const auto& [text, binning] : forms) {
        EXPECT_EQ(parse_binning(text), binning) << text;
        EXPECT_EQ(binning_text(binning), text);
    }
    EXPECT_TRUE(parse_binning("count=4,clip").clip);
    for (const char* text : {"1ms,clip", "310x2ms,clip", "count=4,clip"})
        EXPECT_EQ(binning_text(parse_binning(text)), text);
    EXPECT_EQ(binning_text(parse_binning("2000us")), "2ms");
    EXPECT_EQ(parse_binning("1ms"), Binning{});
}

TEST(ParseBinning, RefusesAnythingElse) {
    for (const std::string text : {"",
                                   "ms",
                                   "1",
                                   "1s",
                                   "0ms",
                                   "-1ms",
                                   "+1ms",
                                   " 1ms",
                                   "1ms ",
                                   "1.5ms",
                                   "1 ms",
                                   "x1ms",
                                   "0x1ms",
                                   "-3x1ms",
                                   "65536x1ms",
                                   "3x",
                                   "3x3x1ms",
                                   "count=",
                                   "count=0",
                                   "count=-1",
                                   "count=65536",
                                   "count=5x1ms",
                                   "Count=5",
                                   "3xcount=5",
                                   "99999999999999999999ms",
                                   "9223372036854775807ms",
                                   "1MS"}) {
        const std::string message = message_of<InputError>([&] { parse_binning(text); });
        EXPECT_NE(message.find("'" + text + "' is no binning"), std::string::npos) << message;
    }
}

}  // namespace
}  // namespace spikelens
