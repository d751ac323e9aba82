#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "spikelens/core/random.h"

namespace spikelens::testing_support {

/// How many damaged inputs a test makes of each of its seed files: `usual`, or what SPIKELENS_MUTATIONS says, for long
/// runs.
inline uint64_t mutation_count(uint64_t usual) {
    const char* given = std::getenv("SPIKELENS_MUTATIONS");
    return given ? std::strtoull(given, nullptr, 10) : usual;
}

/// The index-th damaged copy of a file, always the same: 1 to 6 changes, each a bit flipped, a byte replaced, a word of
/// 1 to 8 bytes set to a value where readers break (0, 1, -1, the largest of its sign, …; either byte order), a range
/// removed, repeated or copied over another, the end cut off, or bytes appended.
class Mutation {
  public:
    Mutation(std::vector<uint8_t> file, uint64_t index) : bytes_(std::move(file)), index_(index) {
        const uint64_t changes = 1 + draw(6) % (1 + draw(6));
        for (uint64_t change = 0; change < changes; ++change) apply(draw(10));
    }
    std::vector<uint8_t> bytes() && { return std::move(bytes_); }

  private:
    uint64_t draw(uint64_t below) {
        return random_bits(index_, Stream::test, {drawn_++}) % std::max<uint64_t>(below, 1);
    }
    size_t place() { return draw(bytes_.size()); }
    /// Mostly short: a range that starts at `from` and stays inside.
    size_t length_from(size_t from) {
        return draw(std::min<uint64_t>(bytes_.size() - from, draw(4) == 0 ? bytes_.size() : 16) + 1);
    }
    auto at(size_t offset) { return bytes_.begin() + static_cast<std::ptrdiff_t>(offset); }

    void apply(uint64_t kind) {
        if (bytes_.empty() || kind == 0) return append();
        const size_t from = place();
        const size_t length = length_from(from);
        if (kind <= 2) bytes_[from] ^= static_cast<uint8_t>(1U << draw(8));
        if (kind == 3) bytes_[from] = static_cast<uint8_t>(draw(256));
        if (kind == 4 || kind == 5) set_word(from);
        if (kind == 6) bytes_.erase(at(from), at(from + length));
        if (kind == 7) repeat(from, length);
        if (kind == 8) copy_over(from, length);
        if (kind == 9) bytes_.resize(from);
    }
    void append() {
        for (uint64_t count = 1 + draw(16); count > 0; --count) bytes_.push_back(static_cast<uint8_t>(draw(256)));
    }
    void set_word(size_t from) {
        static constexpr std::array<uint64_t, 12> values = {0,
                                                            1,
                                                            ~uint64_t{0},
                                                            0x7fffffffffffffff,
                                                            0x8000000000000000,
                                                            0x7fffffff7fffffff,
                                                            0x8000000080000000,
                                                            0x7fff7fff7fff7fff,
                                                            0x8000800080008000,
                                                            0xfffffffefffffffe,
                                                            0x0000000100000001,
                                                            0x4040404040404040};
        const uint64_t value = values[draw(values.size())];
        const size_t width = size_t{1} << draw(4);
        const bool big_endian = draw(2) == 1;
        for (size_t i = 0; i < width && from + i < bytes_.size(); ++i)
            bytes_[from + i] = static_cast<uint8_t>(value >> 8 * (big_endian ? width - 1 - i : i));
    }
    void repeat(size_t from, size_t length) {
        const std::vector<uint8_t> range(at(from), at(from + length));
        bytes_.insert(at(place()), range.begin(), range.end());
    }
    void copy_over(size_t from, size_t length) {
        const std::vector<uint8_t> range(at(from), at(from + length));
        const size_t target = place();
        std::copy_n(range.begin(), std::min(length, bytes_.size() - target), at(target));
    }

    std::vector<uint8_t> bytes_;
    uint64_t index_;
    uint64_t drawn_ = 0;
};

inline std::vector<uint8_t> mutated(std::vector<uint8_t> file, uint64_t index) {
    return Mutation(std::move(file), index).bytes();
}

}  // namespace spikelens::testing_support
