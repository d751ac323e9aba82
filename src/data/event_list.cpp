#include "event_list.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr int64_t kWidestSensor = 1 << 16;

/// The smallest sensor that holds all events.
void fit_sensor(EventRecording& recording) {
    for (const Event& event : recording.events) {
        recording.width = std::max(recording.width, event.x + 1);
        recording.height = std::max(recording.height, event.y + 1);
    }
}

}  // namespace

EventList::EventList(std::string file, std::string format, int width, int height, std::string place)
    : file_(std::move(file)),
      place_(std::move(place)),
      widest_(width > 0 ? width : kWidestSensor),
      highest_(height > 0 ? height : kWidestSensor) {
    if (width < 0 || height < 0 || width > kWidestSensor || height > kWidestSensor || (width == 0) != (height == 0))
        throw InputError(file_ + " says that its sensor is " + std::to_string(width) + " x " + std::to_string(height) +
                         " pixels, expected 1 to 65536 of each");
    recording_.format = std::move(format);
    recording_.width = width;
    recording_.height = height;
}

void EventList::expect(uint64_t count) { recording_.events.reserve(std::min(count, kMostEvents)); }

EventRecording EventList::finish() {
    std::vector<Event>& events = recording_.events;
    if (!std::ranges::is_sorted(events, {}, &Event::time)) std::ranges::stable_sort(events, {}, &Event::time);
    if (!events.empty() && events.front().time < 0) {
        const int64_t start = events.front().time;
        for (Event& event : events) event.time -= start;
    }
    if (recording_.width == 0) fit_sensor(recording_);
    return std::move(recording_);
}

void EventList::refuse(int64_t time, int64_t x, int64_t y, uint64_t offset) const {
    const std::string where = file_ + ", " + place_ + " " + std::to_string(offset) + ": ";
    if (size() >= kMostEvents)
        throw InputError(where + "it holds more than the " + std::to_string(kMostEvents) + " events allowed");
    if (time > kLatest || time < -kLatest)
        throw InputError(where + "an event has the time " + std::to_string(time) +
                         ", expected microseconds within 2^61");
    throw InputError(where + "an event lies at x = " + std::to_string(x) + ", y = " + std::to_string(y) +
                     ", outside the sensor of " + std::to_string(widest_) + " x " + std::to_string(highest_) +
                     " pixels");
}

}  // namespace spikelens
