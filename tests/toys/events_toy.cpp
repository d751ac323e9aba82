#include "spikelens/core/error.h"

#include "data/event_list.h"
#include "event_readers.h"

namespace spikelens {
namespace {

/// "TOY1", then 4 bytes an event: time in ms, x, y, polarity.
EventRecording read_toy(const EventFile& file) {
    const auto events = file.bytes.subspan(4);
    if (events.size() % 4 != 0)
        throw InputError(file.name + " is truncated: it has " + std::to_string(events.size()) +
                         " bytes of events, expected a multiple of 4");
    EventList list(file.name, "toy");
    list.expect(events.size() / 4);
    for (size_t at = 0; at < events.size(); at += 4)
        list.add(1000 * int64_t{events[at]}, events[at + 1], events[at + 2], events[at + 3] != 0, 4 + at);
    return list.finish();
}

}  // namespace

EventFormat toy_format() {
    return {"the toy's (TOY1)", {".toy"}, [](const EventFile& file) { return begins_with(file, "TOY1"); }, read_toy};
}

}  // namespace spikelens
