#include <string>

#include "spikelens/core/error.h"

#include "byte_cursor.h"
#include "event_list.h"
#include "event_readers.h"
#include "prophesee_header.h"
#include "text_header.h"

namespace spikelens {
namespace {

constexpr size_t kEventBytes = 8;

void check_kind(const EventFile& file, const TextHeader& header) {
    const auto version = header_value(header, "% Version ");
    if (version != "2")
        throw InputError(file.name + " is a DAT file of version " + std::string(version.value_or("(not said)")) +
                         ", expected 2");
    ByteCursor cursor(file.bytes, file.name, header.size);
    const auto kind = cursor.take(2, "the type and size of events");
    if ((kind[0] != 0 && kind[0] != 12) || kind[1] != kEventBytes)
        cursor.fail("the file holds events of type " + std::to_string(kind[0]) + " with " + std::to_string(kind[1]) +
                    " bytes, expected type 0 or 12 with 8");
}

EventRecording read_dat(const EventFile& file) {
    check_kind(file, read_text_header(file.bytes, "% ", "% end"));
    const PropheseeHeader header = read_prophesee_header(file);
    const size_t start = header.size + 2;
    const auto content = file.bytes.subspan(start);
    if (content.size() % kEventBytes != 0)
        throw InputError(file.name + " is truncated: it has " + std::to_string(content.size()) +
                         " bytes of events, expected a multiple of 8");
    EventList list(file.name, "dat", header.width, header.height);
    list.expect(content.size() / kEventBytes);
    WrappingClock clock(32);
    for (size_t at = 0; at < content.size(); at += kEventBytes) {
        const int64_t time = clock.at(load_little<uint32_t>(content.data() + at));
        const auto place = load_little<uint32_t>(content.data() + at + 4);
        list.add(time, place & 0x3fff, place >> 14 & 0x3fff, (place >> 28 & 1) != 0, start + at);
    }
    return list.finish();
}

}  // namespace

bool is_dat(const EventFile& file) {
    return begins_with(file, "% ") &&
           header_value(read_text_header(file.bytes, "% ", "% end"), "% Data file containing").has_value();
}

EventFormat dat_format() { return {"Prophesee .dat (%)", {".dat"}, is_dat, read_dat}; }

}  // namespace spikelens
