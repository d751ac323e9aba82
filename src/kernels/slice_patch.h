#pragma once

#include <algorithm>
#include <cstdint>

#include "layer_plan.h"

namespace spikelens::kernels {
namespace {

/// Slices of a weight, outputs computed together, and quads of neighbouring channels in a word: what one 32-bit lane
/// multiplies.
struct Sliced {
    static constexpr int kSlices = 4, kLanes = 16, kQuads = 16;
};

/// A rectangle of output pixels whose input is unpacked to bytes at once, and whose sums are held at once, for the
/// second-level cache: the larger, the more pixels share a slicing of the weights.
///
/// Bytes are [row][column mod stride][column / stride][step][channel, whole words]: under each tap of the kernel,
/// neighbouring pixels of an output row and their steps lie at equal distances.
struct SlicePatch {
    int rows, columns;

    static constexpr int64_t kInputBytes = 1024 * 1024, kSumBytes = 512 * 1024;
    static constexpr int64_t kSums = Sliced::kSlices * Sliced::kLanes;  // numbers for each pixel and step
    static constexpr int64_t kRowsTogether = 16;  // of a matrix: pixels and steps that are multiplied together

    /// Of one pixel at one step. An odd number of cache lines where it is large: neighbouring rows then do not compete
    /// for the same places in the cache.
    static int64_t row_bytes(const LayerPlan& plan) {
        return int64_t{64} * (plan.in_words < 4 ? plan.in_words : plan.in_words | 1);
    }
    int input_rows(const LayerPlan& plan) const { return (rows - 1) * plan.stride + plan.kernel_height; }
    int input_columns(const LayerPlan& plan) const { return (columns - 1) * plan.stride + plan.kernel_width; }
    /// Columns of one remainder.
    int column_slots(const LayerPlan& plan) const { return (input_columns(plan) + plan.stride - 1) / plan.stride; }

    int64_t input_bytes(const LayerPlan& plan, int steps) const {
        return int64_t{input_rows(plan)} * plan.stride * column_slots(plan) * steps * row_bytes(plan);
    }
    /// Pixels and steps of one output row, rounded up.
    int64_t matrix_rows(int steps) const {
        return (int64_t{columns} * steps + kRowsTogether - 1) / kRowsTogether * kRowsTogether;
    }
    int64_t sum_count(int steps) const { return rows * matrix_rows(steps) * kSums; }
    bool fits(const LayerPlan& plan, int steps) const {
        return input_bytes(plan, steps) <= kInputBytes && 4 * sum_count(steps) <= kSumBytes;
    }

    /// As much of the rectangle as fits, in equal parts; at least one pixel.
    static SlicePatch largest(const LayerPlan& plan, int steps, int rows, int columns) {
        const auto part_of = [](int whole, int parts) { return (whole + parts - 1) / parts; };
        SlicePatch patch{1, columns};
        for (int parts = 2; patch.columns > 1 && !patch.fits(plan, steps); ++parts)
            patch.columns = part_of(columns, parts);
        if (patch.columns < columns) return patch;
        patch.rows = rows;
        for (int parts = 2; patch.rows > 1 && !patch.fits(plan, steps); ++parts) patch.rows = part_of(rows, parts);
        return patch;
    }
};

}  // namespace
}  // namespace spikelens::kernels
