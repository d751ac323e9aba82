#include "spike_maps.h"

#include <algorithm>
#include <bit>

#include "pool_windows.h"

namespace spikelens {
namespace {

/// Binary addition of one bit per channel of a word to a number per channel, whose digits lie `words` apart.
void add_word(uint64_t* digits, int words, int plane_count, uint64_t carry) {
    for (int plane = 0; plane < plane_count && carry != 0; ++plane) {
        uint64_t& digit = digits[plane * words];
        const uint64_t next = digit & carry;
        digit ^= carry;
        carry = next;
    }
}

void add_bits(uint64_t* planes, int words, int plane_count, const uint64_t* bits) {
    for (int word = 0; word < words; ++word) add_word(planes + word, words, plane_count, bits[word]);
}

/// Adds one row of a window to its output, all steps.
void add_row(const SpikeMap& in, int row, int first_column, int size, SpikeMap& out, int out_row, int out_column) {
    const int words = in.words_per_plane();
    for (int column = first_column; column < first_column + size; ++column)
        for (int step = 0; step < in.steps; ++step)
            for (int plane = 0; plane < in.planes; ++plane)
                add_bits(out.at(out_row, out_column, step) + plane * words, words, out.planes - plane,
                         in.at(row, column, step) + plane * words);
}

/// Of each channel the larger number, in place of the one in `most`.
void keep_larger(const uint64_t* numbers, int words, int planes, uint64_t* most) {
    for (int word = 0; word < words; ++word) {
        uint64_t larger = 0, equal = ~uint64_t{0};
        for (int plane = planes; plane-- > 0;) {
            const uint64_t a = numbers[plane * words + word], b = most[plane * words + word];
            larger |= equal & a & ~b;
            equal &= ~(a ^ b);
        }
        for (int plane = 0; plane < planes; ++plane) {
            uint64_t& to = most[plane * words + word];
            to ^= (to ^ numbers[plane * words + word]) & larger;
        }
    }
}

void keep_larger_row(const SpikeMap& in, int row, int first_column, int size, SpikeMap& out, int out_row,
                     int out_column) {
    for (int column = first_column; column < first_column + size; ++column)
        for (int step = 0; step < in.steps; ++step)
            keep_larger(in.at(row, column, step), in.words_per_plane(), in.planes, out.at(out_row, out_column, step));
}

/// The usual window, in one pass.
void unite_four(const SpikeMap& in, int row, int column, uint64_t* __restrict out) {
    const int count = in.steps * in.words_per_plane();
    const uint64_t *upper = in.at(row, column, 0), *lower = in.at(row + 1, column, 0);
    for (int i = 0; i < count; ++i) out[i] = upper[i] | upper[count + i] | lower[i] | lower[count + i];
}

void unite_row(const SpikeMap& in, int row, int first_column, int size, SpikeMap& out, int out_row, int out_column) {
    const int count = in.steps * in.words_per_plane();
    uint64_t* __restrict to = out.at(out_row, out_column, 0);
    int column = 0;
    for (; column + 2 <= size; column += 2) {
        const uint64_t* left = in.at(row, first_column + column, 0);
        for (int i = 0; i < count; ++i) to[i] |= left[i] | left[count + i];
    }
    if (column == size) return;
    const uint64_t* last = in.at(row, first_column + column, 0);
    for (int i = 0; i < count; ++i) to[i] |= last[i];
}

}  // namespace

void SpikeMap::reset(int new_channels, int new_height, int new_width, int new_steps, int new_planes) {
    channels = new_channels;
    height = new_height;
    width = new_width;
    steps = new_steps;
    planes = new_planes;
    words.assign(int64_t{height} * width * steps * words_per_step(), 0);
}

double SpikeMap::density() const {
    constexpr size_t kEnough = 96;
    const auto group = static_cast<size_t>(words_per_plane());           // all channels of a place
    const size_t stride = (words.size() / group / kEnough | 1) * group;  // odd: not in step with rows, steps and planes
    int64_t set = 0, seen = 0;
    for (size_t i = 0; i < words.size(); i += stride, ++seen)
        for (size_t word = i; word < i + group; ++word) set += std::popcount(words[word]);
    return seen == 0 ? 0.0 : static_cast<double>(set) / (static_cast<double>(seen) * channels);
}

int SpikeMap::value(int row, int column, int step, int channel) const {
    const uint64_t* bits = at(row, column, step);
    int value = 0;
    for (int plane = 0; plane < planes; ++plane)
        value |= static_cast<int>((bits[plane * words_per_plane() + channel / 64] >> (channel % 64)) & 1) << plane;
    return value;
}

void pool_spikes(const SpikeMap& in, const Layer& layer, int planes, SpikeMap& out) {
    out.reset(in.channels, layer.pooled_height, layer.pooled_width, in.steps, planes);
    for (int row = 0; row < out.height; ++row) {
        const kernels::PixelSpan whole{row, 0, out.width};
        pool_spikes(in, layer.pool, {&whole, 1}, out);
    }
}

void pool_spikes(const SpikeMap& in, const Pool& pool, std::span<const kernels::PixelSpan> pixels, SpikeMap& out) {
    const bool sums = pool.kind != PoolKind::max, spikes = in.planes == 1;
    const bool by_four = !sums && spikes && pool.size == 2 && pool.columns() == 2 && !pool.pads();
    const auto add = sums ? add_row : spikes ? unite_row : keep_larger_row;
    for (const auto& [row, first_column, end_column] : pixels)
        for (int column = first_column; column < end_column; ++column) {
            const PoolSide rows = rows_under(pool, row, in.height), columns = columns_under(pool, column, in.width);
            if (by_four) {
                unite_four(in, rows.first, columns.first, out.at(row, column, 0));
                continue;
            }
            for (int y = rows.first; y < rows.end; ++y)
                add(in, y, columns.first, columns.end - columns.first, out, row, column);
        }
}

void add_numbers(const SpikeMap& from, SpikeMap& sums) {
    const int words = sums.words_per_plane();
    const uint64_t* numbers = from.words.data();
    uint64_t* to = sums.words.data();
    const int64_t places = int64_t{from.height} * from.width * from.steps;
    for (int64_t i = 0; i < places; ++i, to += sums.words_per_step())
        for (int plane = 0; plane < from.planes; ++plane, numbers += words)
            add_bits(to + plane * words, words, sums.planes - plane, numbers);
}

void add_numbers(const SpikeMap& from, const uint64_t* numbers, int64_t factor, int channel, SpikeMap& map,
                 uint64_t* sums) {
    const int words = map.words_per_plane(), from_words = from.words_per_plane(), shift = channel % 64;
    for (int plane = 0; plane < from.planes; ++plane)
        for (int word = 0; word < from_words; ++word) {
            const uint64_t bits = numbers[plane * from_words + word], beyond = shift > 0 ? bits >> (64 - shift) : 0;
            uint64_t* const to = sums + channel / 64 + word;
            for (int digit = 0; factor >> digit != 0; ++digit) {
                if (((factor >> digit) & 1) == 0) continue;
                const int first = plane + digit;
                add_word(to + first * words, words, map.planes - first, bits << shift);
                if (beyond != 0) add_word(to + first * words + 1, words, map.planes - first, beyond);
            }
        }
}

void pack_spikes(const ArrayView<uint8_t>& values, int planes, SpikeMap& out) {
    const auto extent = [&](size_t axis) { return static_cast<int>(values.extent(axis)); };
    out.reset(extent(1), extent(2), extent(3), extent(0), planes);
    const int words = out.words_per_plane();
    const uint8_t* value = values.data.data();
    for (int step = 0; step < out.steps; ++step)
        for (int channel = 0; channel < out.channels; ++channel)
            for (int row = 0; row < out.height; ++row)
                for (int column = 0; column < out.width; ++column, ++value)
                    for (int plane = 0; *value >> plane != 0; ++plane)
                        if ((*value >> plane) & 1)
                            out.at(row, column, step)[plane * words + channel / 64] |= uint64_t{1} << (channel % 64);
}

}  // namespace spikelens
