#include <algorithm>

#include "spikelens/core/error.h"

#include "event_list.h"
#include "event_readers.h"

namespace spikelens {
namespace {

constexpr size_t kEventBytes = 5;
constexpr int kSide = 34;
constexpr uint8_t kOverflowRow = 240;
constexpr int64_t kOverflow = 1 << 13;

EventRecording read_nmnist(const EventFile& file) {
    if (file.bytes.size() % kEventBytes != 0)
        throw InputError(file.name + " is " + std::to_string(file.bytes.size()) +
                         " bytes long, expected a multiple of the 5 bytes of an N-MNIST event");
    EventList list(file.name, "nmnist");
    list.expect(file.bytes.size() / kEventBytes);
    int64_t base = 0;
    for (size_t at = 0; at < file.bytes.size(); at += kEventBytes) {
        const auto event = file.bytes.subspan(at, kEventBytes);
        if (event[1] == kOverflowRow) {
            base += kOverflow;
            continue;
        }
        const int64_t time = int64_t{event[2] & 0x7f} << 16 | int64_t{event[3]} << 8 | int64_t{event[4]};
        list.add(base + time, event[0], event[1], (event[2] & 0x80) != 0, at);
    }
    EventRecording recording = list.finish();
    if (std::max(recording.width, recording.height) <= kSide) recording.width = recording.height = kSide;
    return recording;
}

}  // namespace

EventFormat nmnist_format() {
    return {"N-MNIST, named .bin or .bs2",
            {".bin", ".bs2"},
            [](const EventFile& file) {
                return has_ending(file.name, {".bin", ".bs2"}) && !begins_with(file, "#!AER-DAT");
            },
            read_nmnist};
}

}  // namespace spikelens
