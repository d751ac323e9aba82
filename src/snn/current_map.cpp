#include "current_map.h"

#include <bit>
#include <vector>

#include "graph.h"
#include "pool_windows.h"

namespace spikelens {
namespace {

using Accumulate = void (*)(const float* from, int count, float* to);

void keep_larger(const float* from, int count, float* to) {
    for (int i = 0; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
}

void add(const float* from, int count, float* to) {
    for (int i = 0; i < count; ++i) to[i] = to[i] + from[i];
}

void pool_window(const CurrentMap& in, const Pool& pool, PoolSide rows, PoolSide columns, int step, float* out) {
    const Accumulate accumulate = pool.kind == PoolKind::max ? keep_larger : add;
    std::copy_n(in.at(rows.first, columns.first, step), in.padded, out);
    for (int y = rows.first; y < rows.end; ++y)
        for (int x = columns.first; x < columns.end; ++x)
            if (y != rows.first || x != columns.first) accumulate(in.at(y, x, step), in.padded, out);
    if (pool.kind != PoolKind::average) return;
    const auto area = static_cast<float>(pool.area());
    for (int i = 0; i < in.padded; ++i) out[i] = out[i] / area;
}

}  // namespace

void CurrentMap::reset(const Shape& shape, int new_steps, int padded_channels) {
    channels = static_cast<int>(shape[0]);
    height = static_cast<int>(shape[1]);
    width = static_cast<int>(shape[2]);
    steps = new_steps;
    padded = padded_channels;
    values.assign(static_cast<size_t>(steps * frame()), 0.0F);
}

void pool_currents(const CurrentMap& in, const Layer& layer, CurrentMap& out) {
    const Pool& pool = layer.pool;
    out.reset(layer.pooled_shape(), in.steps, in.padded);
    for (int step = 0; step < in.steps; ++step)
        for (int row = 0; row < out.height; ++row)
            for (int column = 0; column < out.width; ++column)
                pool_window(in, pool, rows_under(pool, row, in.height), columns_under(pool, column, in.width), step,
                            out.at(row, column, step));
}

void add_as_currents(const SpikeMap& numbers, double unit, int channel, CurrentMap& out) {
    const int words = numbers.words_per_plane();
    std::vector<float> values(size_t{1} << numbers.planes);  // of each number
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<double>(i) * unit);
    for (int step = 0; step < out.steps; ++step)
        for (int row = 0; row < numbers.height; ++row)
            for (int column = 0; column < numbers.width; ++column) {
                const uint64_t* const at = numbers.at(row, column, step);
                float* const to = out.at(row, column, step) + channel;
                for (int word = 0; word < words; ++word) {
                    uint64_t any = 0;
                    for (int plane = 0; plane < numbers.planes; ++plane) any |= at[plane * words + word];
                    for (; any != 0; any &= any - 1) {
                        const int bit = std::countr_zero(any);
                        size_t number = 0;
                        for (int plane = 0; plane < numbers.planes; ++plane)
                            number |= ((at[plane * words + word] >> bit) & 1) << plane;
                        to[word * 64 + bit] = to[word * 64 + bit] + values[number];
                    }
                }
            }
}

void normalise(const Layer& layer, CurrentMap& currents) {
    for (int step = 0; step < currents.steps; ++step) {
        const NormValues values = norm_values(layer, step);
        float* to = currents.at(0, 0, step);
        for (int64_t pixel = 0; pixel < int64_t{currents.height} * currents.width; ++pixel, to += currents.padded)
            for (int c = 0; c < currents.channels; ++c) to[c] = values.factor[c] * to[c] + values.term[c];
    }
}

void add_currents(const CurrentMap& from, int channel, CurrentMap& out) {
    for (int step = 0; step < out.steps; ++step)
        for (int row = 0; row < from.height; ++row)
            for (int column = 0; column < from.width; ++column)
                add(from.at(row, column, step), from.channels, out.at(row, column, step) + channel);
}

}  // namespace spikelens
