#include "changed_pixels.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace spikelens {

using kernels::PixelSpan;

bool PixelSet::any() const { return std::ranges::find(holds, uint8_t{1}) != holds.end(); }

double PixelSet::share() const {
    return static_cast<double>(std::ranges::count(holds, uint8_t{1})) / (static_cast<double>(height) * width);
}

std::vector<PixelSpan> PixelSet::spans() const {
    std::vector<PixelSpan> result;
    for (int y = 0; y < height; ++y) {
        const uint8_t *const begin = row(y), *const end = begin + width;
        for (const uint8_t* first = std::find(begin, end, 1); first != end;) {
            const uint8_t* const last = std::find(first, end, 0);
            result.push_back({y, static_cast<int>(first - begin), static_cast<int>(last - begin)});
            first = std::find(last, end, 1);
        }
    }
    return result;
}

PixelSet changed_pixels(std::span<const float> before, std::span<const float> after, const Shape& shape) {
    PixelSet result(static_cast<int>(shape[1]), static_cast<int>(shape[2]));
    size_t i = 0;
    for (int64_t channel = 0; channel < shape[0]; ++channel)
        for (int y = 0; y < result.height; ++y) {
            uint8_t* __restrict const row = result.row(y);
            for (int x = 0; x < result.width; ++x, ++i)
                row[x] |= std::bit_cast<uint32_t>(before[i]) != std::bit_cast<uint32_t>(after[i]);
        }
    return result;
}

Change changed_spikes(const SpikeMap& before, const SpikeMap& after) {
    assert(before.words.size() == after.words.size());
    Change change{PixelSet(after.height, after.width), {}, {}};
    const int64_t size = after.steps * after.words_per_step();
    for (int y = 0; y < after.height; ++y)
        for (int x = 0; x < after.width; ++x)
            change.pixels.row(y)[x] = !std::equal(after.at(y, x, 0), after.at(y, x, 0) + size, before.at(y, x, 0));
    change.spans = change.pixels.spans();
    for (const auto& [row, first, end] : change.spans)
        change.before.insert(change.before.end(), before.at(row, first, 0),
                             before.at(row, first, 0) + (end - first) * size);
    return change;
}

Change keep_channels(const SpikeMap& spikes, std::span<const uint64_t> channels, SpikeMap& kept) {
    Change change{PixelSet(kept.height, kept.width), {}, {}};
    const int64_t size = kept.steps * kept.words_per_step();
    std::vector<uint64_t> mask;  // of one pixel
    while (static_cast<int64_t>(mask.size()) < size) mask.insert(mask.end(), channels.begin(), channels.end());
    const uint64_t *from = spikes.words.data(), *const keep = mask.data();
    uint64_t* to = kept.words.data();
    for (int y = 0; y < kept.height; ++y)
        for (int x = 0; x < kept.width; ++x, from += size, to += size) {
            uint64_t changed = 0;
            for (int64_t i = 0; i < size; ++i) changed |= (from[i] & keep[i]) ^ to[i];
            if (changed == 0) continue;
            change.pixels.row(y)[x] = 1;
            change.before.insert(change.before.end(), to, to + size);
            for (int64_t i = 0; i < size; ++i) to[i] = from[i] & keep[i];
        }
    change.spans = change.pixels.spans();
    return change;
}

Windows windows_of(const kernels::LayerPlan& plan) {
    return {plan.out_height, plan.out_width, plan.kernel_height, plan.kernel_width, plan.stride, plan.padding};
}

Windows windows_of(const Pool& pool, const SpikeMap& pooled) {
    return {pooled.height, pooled.width, pool.size, pool.size, pool.stride, 0};
}

namespace {

/// to[i] |= from[i]
void unite(const uint8_t* __restrict from, int count, uint8_t* __restrict to) {
    for (int first = 0; first < count; first += 32)
        for (int i = 0; i < 32; ++i) to[first + i] |= from[first + i];
}

}  // namespace

PixelSet reached(const PixelSet& pixels, const Windows& windows) {
    PixelSet result(windows.out_height, windows.out_width);
    const int before = windows.padding, after = windows.stride * result.pitch + windows.width;
    std::vector<uint8_t> seen(before +
                              std::max(pixels.pitch, after));  // the columns that a row of windows holds, with borders
    for (int y = 0; y < windows.out_height; ++y) {
        const int top = y * windows.stride - windows.padding;
        const int first = std::max(0, top), end = std::min(pixels.height, top + windows.height);
        std::ranges::fill(seen, uint8_t{0});
        for (int row = first; row < end; ++row) unite(pixels.row(row), pixels.pitch, seen.data() + before);
        uint8_t* const out = result.row(y);
        for (int kx = 0; kx < windows.width; ++kx) {
            if (windows.stride == 1) {
                unite(seen.data() + kx, result.pitch, out);
            } else {
                for (int x = 0; x < windows.out_width; ++x) out[x] |= seen[x * windows.stride + kx];
            }
        }
        std::fill(out + windows.out_width, out + result.pitch, uint8_t{0});
    }
    return result;
}

Renewal::Renewal(SpikeMap& map, std::vector<PixelSpan> spans) : map_(map), spans_(std::move(spans)) {
    const int64_t size = map.steps * map.words_per_step();
    for (const auto& [row, first, end] : spans_) {
        uint64_t* const words = map.at(row, first, 0);
        before_.insert(before_.end(), words, words + (end - first) * size);
        std::fill_n(words, (end - first) * size, uint64_t{0});
    }
}

Change Renewal::finish() && {
    Change change{PixelSet(map_.height, map_.width), std::move(spans_), std::move(before_)};
    const int64_t size = map_.steps * map_.words_per_step();
    const uint64_t* before = change.before.data();
    for (const auto& [row, first, end] : change.spans)
        for (int column = first; column < end; ++column, before += size)
            change.pixels.row(row)[column] = !std::equal(before, before + size, map_.at(row, column, 0));
    return change;
}

}  // namespace spikelens
