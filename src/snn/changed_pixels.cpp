#include "changed_pixels.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace spikelens {

using kernels::PixelSpan;

bool PixelSet::any() const { return std::ranges::find(holds, uint8_t{1}) != holds.end(); }

int64_t PixelSet::count() const { return std::ranges::count(holds, uint8_t{1}); }

std::vector<PixelSpan> PixelSet::spans() const {
    std::vector<PixelSpan> result;
    for (int row = 0; row < height; ++row) {
        const auto begin = holds.begin() + ptrdiff_t{row} * width, end = begin + width;
        for (auto first = std::find(begin, end, 1); first != end;) {
            const auto last = std::find(first, end, 0);
            result.push_back({row, static_cast<int>(first - begin), static_cast<int>(last - begin)});
            first = std::find(last, end, 1);
        }
    }
    return result;
}

std::vector<PixelSpan> PixelSet::box() const {
    const std::vector<PixelSpan> all = spans();
    if (all.empty()) return {};
    const int first = std::ranges::min(all, {}, &PixelSpan::first_column).first_column;
    const int end = std::ranges::max(all, {}, &PixelSpan::end_column).end_column;
    std::vector<PixelSpan> result;
    for (int row = all.front().row; row <= all.back().row; ++row) result.push_back({row, first, end});
    return result;
}

PixelSet changed_pixels(std::span<const float> before, std::span<const float> after, const Shape& shape) {
    PixelSet result(static_cast<int>(shape[1]), static_cast<int>(shape[2]));
    const size_t pixels = result.holds.size();
    for (size_t channel = 0; channel < before.size(); channel += pixels)
        for (size_t i = 0; i < pixels; ++i)
            result.holds[i] |= std::bit_cast<uint32_t>(before[channel + i]) != std::bit_cast<uint32_t>(after[channel + i]);
    return result;
}

PixelSet changed_pixels(const SpikeMap& before, const SpikeMap& after) {
    assert(before.words.size() == after.words.size());
    PixelSet result(after.height, after.width);
    const int64_t size = after.steps * after.words_per_step();
    for (size_t i = 0; i < result.holds.size(); ++i) {
        const auto first = static_cast<int64_t>(i) * size;
        result.holds[i] = !std::equal(&after.words[first], &after.words[first] + size, &before.words[first]);
    }
    return result;
}

Windows windows_of(const kernels::LayerPlan& plan) {
    return {plan.out_height, plan.out_width, plan.kernel_height, plan.kernel_width, plan.stride, plan.padding};
}

Windows windows_of(const Pool& pool, const SpikeMap& pooled) {
    return {pooled.height, pooled.width, pool.size, pool.size, pool.stride, 0};
}

PixelSet reached(const PixelSet& pixels, const Windows& windows) {
    PixelSet result(windows.out_height, windows.out_width);
    std::vector<uint8_t> under(pixels.width);  // whether a row of windows sees the column
    for (int row = 0; row < windows.out_height; ++row) {
        std::ranges::fill(under, uint8_t{0});
        const int top = row * windows.stride - windows.padding;
        for (int y = std::max(0, top); y < std::min(pixels.height, top + windows.height); ++y)
            for (int x = 0; x < pixels.width; ++x) under[x] |= pixels.holds[size_t(y) * pixels.width + x];
        uint8_t* __restrict out = &result.holds[size_t(row) * windows.out_width];
        for (int kx = 0; kx < windows.width; ++kx) {  // window columns kx, those inside the input
            const int shift = kx - windows.padding;
            const int first = shift < 0 ? (-shift + windows.stride - 1) / windows.stride : 0;
            const int inside = (pixels.width - shift + windows.stride - 1) / windows.stride;
            const int end = std::min(windows.out_width, std::max(first, inside));
            for (int column = first; column < end; ++column) out[column] |= under[column * windows.stride + shift];
        }
    }
    return result;
}

Renewal::Renewal(SpikeMap& map, std::span<const PixelSpan> spans) : map_(map), spans_(spans) {
    const int64_t size = map.steps * map.words_per_step();
    for (const auto& [row, first, end] : spans) {
        uint64_t* const words = map.at(row, first, 0);
        before_.insert(before_.end(), words, words + (end - first) * size);
        std::fill_n(words, (end - first) * size, uint64_t{0});
    }
}

PixelSet Renewal::changed() const {
    PixelSet result(map_.height, map_.width);
    const int64_t size = map_.steps * map_.words_per_step();
    const uint64_t* before = before_.data();
    for (const auto& [row, first, end] : spans_)
        for (int column = first; column < end; ++column, before += size)
            result.holds[size_t(row) * map_.width + column] = !std::equal(before, before + size, map_.at(row, column, 0));
    return result;
}

}  // namespace spikelens
