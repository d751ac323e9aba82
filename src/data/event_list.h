#pragma once

#include <cstdint>
#include <string>

#include "spikelens/data/events.h"

namespace spikelens {

/// Takes the events of a reader and checks each: its place on the sensor, its time, how many there are.
class EventList {
  public:
    static constexpr uint64_t kMostEvents = uint64_t{1} << 28;
    static constexpr int64_t kLatest = int64_t{1} << 61;  ///< so that differences of times fit

    /// Without a size (0 × 0) the sensor is the smallest that holds all events. `place` is what offsets count in
    /// messages.
    EventList(std::string file, std::string format, int width = 0, int height = 0, std::string place = "byte");

    /// Room for events that are sure to come.
    void expect(uint64_t count);
    /// Throws InputError that says `offset`, where in the file the event is, for one that is not possible.
    void add(int64_t time, int64_t x, int64_t y, bool polarity, uint64_t offset) {
        if (x < 0 || x >= widest_ || y < 0 || y >= highest_ || time > kLatest || time < -kLatest ||
            recording_.events.size() >= kMostEvents)
            refuse(time, x, y, offset);
        recording_.events.push_back({.time = time,
                                     .x = static_cast<uint16_t>(x),
                                     .y = static_cast<uint16_t>(y),
                                     .polarity = polarity ? uint8_t{1} : uint8_t{0}});
    }
    uint64_t size() const { return recording_.events.size(); }

    /// Sorts by time (stably) and, when the first is before 0, moves all so that it is at 0.
    EventRecording finish();

  private:
    [[noreturn]] void refuse(int64_t time, int64_t x, int64_t y, uint64_t offset) const;

    std::string file_, place_;
    EventRecording recording_;
    int64_t widest_, highest_;
};

/// Time from a counter that wraps around after `bits` bits: of two ways from one value to the next, the shorter.
class WrappingClock {
  public:
    explicit WrappingClock(int bits) : period_(int64_t{1} << bits) {}

    int64_t at(int64_t counter) {
        if (!started_) time_ = counter;
        started_ = true;
        int64_t step = (counter - time_) % period_;  // the counter of time_ is time_ modulo the period
        if (step < 0) step += period_;
        time_ += step < period_ / 2 ? step : step - period_;
        return time_;
    }

  private:
    int64_t period_;
    int64_t time_ = 0;
    bool started_ = false;
};

}  // namespace spikelens
