#include <algorithm>
#include <string>

#include "spikelens/core/error.h"

#include "byte_cursor.h"
#include "event_list.h"
#include "event_readers.h"
#include "prophesee_header.h"

namespace spikelens {
namespace {

[[noreturn]] void refuse_word(const std::string& file, size_t offset, unsigned type) {
    throw InputError(file + ", byte " + std::to_string(offset) + ": the word has the reserved type " +
                     std::to_string(type) + ", expected one of the format");
}

/// 32-bit words: 31–28 type; of an event 27–22 the low six bits of its time, 21–11 x, 10–0 y; of a time word 27–0 its
/// high bits. Events before the first time word have no time and are left out.
class Evt2 {
  public:
    static constexpr size_t kWordBytes = 4;
    static constexpr const char* kFormat = "evt2";

    Evt2(EventList& list, const std::string& file) : list_(list), file_(file) {}

    void take(const uint8_t* bytes, size_t offset) {
        const auto word = load_little<uint32_t>(bytes);
        const unsigned type = word >> 28;
        switch (type) {
            case 0x0:
            case 0x1:
                if (timed_)
                    list_.add(high_ * 64 + (word >> 22 & 0x3f), word >> 11 & 0x7ff, word & 0x7ff, type == 1, offset);
                return;
            case 0x8:
                high_ = std::clamp(clock_.at(word & 0xfffffff), -kBeyond, kBeyond);
                timed_ = true;
                return;
            case 0xa:
            case 0xe:
            case 0xf:
                return;  // triggers, extensions
            default:
                refuse_word(file_, offset, type);
        }
    }

  private:
    static constexpr int64_t kBeyond = EventList::kLatest / 64 + 1;  ///< a time that is refused, and still a number

    EventList& list_;
    const std::string& file_;
    WrappingClock clock_{28};
    int64_t high_ = 0;
    bool timed_ = false;
};

/// 16-bit words: 15–12 type, the rest is what it changes. Events before the first time, row or base column are left
/// out.
class Evt3 {
  public:
    static constexpr size_t kWordBytes = 2;
    static constexpr const char* kFormat = "evt3";

    Evt3(EventList& list, const std::string& file) : list_(list), file_(file) {}

    void take(const uint8_t* bytes, size_t offset) {
        const unsigned word = load_little<uint16_t>(bytes);
        switch (word >> 12) {
            case 0x0:
                row_ = word & 0x7ff;
                return;
            case 0x2:
                add(word & 0x7ff, (word & 0x800) != 0, offset);
                return;
            case 0x3:
                base_ = word & 0x7ff;
                base_polarity_ = (word & 0x800) != 0;
                return;
            case 0x4:
                add_vector(word & 0xfff, 12, offset);
                return;
            case 0x5:
                add_vector(word & 0xff, 8, offset);
                return;
            case 0x6:
                low_ = word & 0xfff;
                return;
            case 0x8:
                set_high(word & 0xfff);
                return;
            case 0x7:
            case 0xa:
            case 0xe:
            case 0xf:
                return;  // triggers, extensions
            default:
                if (word == kPadding) return;
                refuse_word(file_, offset, word >> 12);
        }
    }

  private:
    static constexpr unsigned kPadding = 0x9999;  ///< some cameras fill their transfers with it

    void set_high(int64_t counter) {
        const int64_t high = clock_.at(counter);
        if (high_ != high) low_ = 0;  // the low bits of the new time follow
        high_ = high;
        timed_ = true;
    }
    void add(int64_t x, bool polarity, size_t offset) {
        if (timed_ && row_ >= 0) list_.add(high_ * 4096 + low_, x, row_, polarity, offset);
    }
    void add_vector(unsigned mask, int length, size_t offset) {
        if (base_ < 0) return;
        for (int i = 0; i < length; ++i)
            if ((mask >> i & 1) != 0) add(base_ + i, base_polarity_, offset);
        base_ += length;
    }

    EventList& list_;
    const std::string& file_;
    WrappingClock clock_{12};
    int64_t high_ = 0, low_ = 0;
    int64_t row_ = -1, base_ = -1;  ///< -1: not yet said
    bool timed_ = false, base_polarity_ = false;
};

template <class Decoder>
EventRecording decode(const EventFile& file, const PropheseeHeader& header) {
    const auto words = file.bytes.subspan(header.size);
    if (words.size() % Decoder::kWordBytes != 0)
        throw InputError(file.name + " is truncated: it has " + std::to_string(words.size()) +
                         " bytes after its header, expected words of " + std::to_string(Decoder::kWordBytes));
    EventList list(file.name, Decoder::kFormat, header.width, header.height);
    Decoder decoder(list, file.name);
    for (size_t at = 0; at < words.size(); at += Decoder::kWordBytes) decoder.take(words.data() + at, header.size + at);
    return list.finish();
}

EventRecording read_evt(const EventFile& file) {
    const PropheseeHeader header = read_prophesee_header(file);
    if (header.encoding == "EVT2") return decode<Evt2>(file, header);
    if (header.encoding == "EVT3") return decode<Evt3>(file, header);
    throw InputError(file.name +
                     (header.encoding.empty() ? " does not say its encoding in a header line '% evt' or '% format'"
                                              : " is encoded as " + header.encoding) +
                     ", expected EVT2 or EVT3");
}

}  // namespace

EventFormat evt_format() {
    return {"Prophesee .raw (%)",
            {".raw"},
            [](const EventFile& file) { return begins_with(file, "% ") && !is_dat(file); },
            read_evt};
}

}  // namespace spikelens
