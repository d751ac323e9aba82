#pragma once

// A tile of products, written once and compiled once per instruction set. Some samples of both groups of columns are
// laid out as panels of float64, which stay in the second-level cache. For each pair of panels a few sums stay in
// registers while the samples pass. From one group of samples to the next the sums go through memory, which changes no
// bit.

#include <algorithm>
#include <cstring>

#include "product_tile.h"

namespace spikelens::kernels {
namespace {

template <class Isa>
struct ProductSums {
    using Doubles = typename Isa::Doubles;
    static constexpr int kLanes = Isa::kBytes / 8;
    // Sums that stay in registers: AVX-512 has twice as many of those.
    static constexpr int kRows = Isa::kBytes == 64 ? 8 : 4, kVectors = Isa::kBytes == 64 ? 3 : 2,
                         kColumns = kVectors * kLanes;
    static constexpr int kSamples = 128;  // that pass at once
    static_assert(kProductTile % kRows == 0 && kProductTile % kColumns == 0);

    /// Panels of `Width` columns: [panel][sample][Width].
    template <int Width>
    static void lay_out(const ProductTask& task, int64_t first, int64_t count, int64_t column, double* panels) {
        for (int64_t panel = 0; panel < kProductTile; panel += Width) {
            const int64_t there = std::min<int64_t>(Width, task.columns - column - panel);
            for (int64_t n = 0; n < count; ++n) {
                const float* x = task.x + (first + n) * task.columns + column + panel;
                double* at = panels + panel * kSamples + n * Width;
                for (int64_t c = 0; c < Width; ++c) at[c] = c < there ? double{x[c]} : 0.0;
            }
        }
    }

    static Doubles load(const double* at) {
        Doubles value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }

    /// One panel times another.
    static void add(const double* rows, const double* columns, int64_t count, double* sums) {
        Doubles sum[kRows][kVectors];
        for (int i = 0; i < kRows; ++i)
            for (int v = 0; v < kVectors; ++v) sum[i][v] = load(sums + i * kProductTile + v * kLanes);
        for (int64_t n = 0; n < count; ++n) {
            Doubles right[kVectors];
            for (int v = 0; v < kVectors; ++v) right[v] = load(columns + n * kColumns + v * kLanes);
            for (int i = 0; i < kRows; ++i)
                for (int v = 0; v < kVectors; ++v) sum[i][v] += rows[n * kRows + i] * right[v];
        }
        for (int i = 0; i < kRows; ++i)
            for (int v = 0; v < kVectors; ++v)
                std::memcpy(sums + i * kProductTile + v * kLanes, &sum[i][v], sizeof sum[i][v]);
    }

    static void tile(const ProductTask& task) {
        alignas(64) double rows[kProductTile * kSamples], columns[kProductTile * kSamples];
        std::fill_n(task.sums, kProductTile * kProductTile, 0.0);
        for (int64_t first = 0; first < task.samples; first += kSamples) {
            const int64_t count = std::min<int64_t>(kSamples, task.samples - first);
            lay_out<kRows>(task, first, count, task.row, rows);
            lay_out<kColumns>(task, first, count, task.column, columns);
            for (int j = 0; j < kProductTile; j += kColumns)
                for (int i = 0; i < kProductTile; i += kRows)
                    add(rows + i * kSamples, columns + j * kSamples, count, task.sums + i * kProductTile + j);
        }
    }
};

}  // namespace
}  // namespace spikelens::kernels
