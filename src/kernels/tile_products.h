#pragma once

#include <cstdint>

#include <immintrin.h>

#include "slice_patch.h"

namespace spikelens::kernels {
namespace {

/// What 16 outputs and some words of input channels are multiplied with.
struct ProductTask {
    const uint8_t* input;  ///< of the first row
    int64_t row_bytes;     ///< from row to row
    int64_t rows;
    const int64_t* offsets;  ///< of each word, from a row's begin
    int words, quads;        ///< and how many quads of each hold channels
    const int8_t* slices;    ///< [word][slice][quad][output][4]
    int32_t* sums;           ///< [row][slice][output], added to; rows rounded up to SlicePatch::kRowsTogether
};

/// Products of bytes by AMX: registers of 16 rows of 64 bytes, 16 × 16 × 64 multiplications and additions an
/// instruction. A thread's registers are its own, so they are set up for each layer.
class TileProducts : Sliced {
  public:
    static constexpr int kWords = 9;  // 36 KB of slices

    /// For words of which this many quads hold channels.
    explicit TileProducts(int quads) {
        Configuration configuration;
        for (int tile = 0; tile < 8; ++tile) {
            const bool input = tile == 4 || tile == 5, slice = tile > 5;
            configuration.row_bytes[tile] = static_cast<uint16_t>(input ? 4 * quads : 64);
            configuration.rows[tile] = static_cast<uint8_t>(slice ? quads : 16);
        }
        publish(&configuration);
        _tile_loadconfig(&configuration);
    }
    ~TileProducts() { _tile_release(); }
    TileProducts(const TileProducts&) = delete;
    TileProducts& operator=(const TileProducts&) = delete;

    void add(const ProductTask& task) const {
        publish(task.input);
        publish(task.slices);
        publish(task.sums);
        int64_t row = 0;
        for (; row + 16 < task.rows; row += 32) add_rows<2>(task, row);
        if (row < task.rows) add_rows<1>(task, row);
    }

  private:
    struct alignas(64) Configuration {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {};
        uint8_t rows[16] = {};
    };
    static_assert(sizeof(Configuration) == 64);

    /// GCC 12's intrinsics do not say what memory they read: it must have been written before them.
    static void publish(const void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

    /// Sums of 16 rows, or of twice 16, two slices at a time: registers 0 to 3; input 4 and 5, slices 6 and 7.
    template <int kTiles>
    static void add_rows(const ProductTask& task, int64_t row) {
        constexpr int64_t kSumBytes = 4 * kSlices * kLanes;
        const int64_t row_bytes = task.row_bytes, slice_bytes = int64_t{64} * task.quads;
        const uint8_t* const first = task.input + row * row_bytes;
        const uint8_t* const second = first + 16 * row_bytes;
        for (int slice = 0; slice < kSlices; slice += 2) {
            int32_t* const sums = task.sums + (row * kSlices + slice) * kLanes;
            int32_t* const second_sums = sums + 16 * kSlices * kLanes;
            _tile_loadd(0, sums, kSumBytes);
            _tile_loadd(1, sums + kLanes, kSumBytes);
            if constexpr (kTiles == 2) {
                _tile_loadd(2, second_sums, kSumBytes);
                _tile_loadd(3, second_sums + kLanes, kSumBytes);
            }
            const int8_t* slices = task.slices + slice * slice_bytes;
            for (int word = 0; word < task.words; ++word, slices += kSlices * slice_bytes) {
                _tile_loadd(4, first + task.offsets[word], row_bytes);
                _tile_loadd(6, slices, 64);
                _tile_loadd(7, slices + slice_bytes, 64);
                _tile_dpbusd(0, 4, 6);
                _tile_dpbusd(1, 4, 7);
                if constexpr (kTiles == 2) {
                    _tile_loadd(5, second + task.offsets[word], row_bytes);
                    _tile_dpbusd(2, 5, 6);
                    _tile_dpbusd(3, 5, 7);
                }
            }
            _tile_stored(0, sums, kSumBytes);
            _tile_stored(1, sums + kLanes, kSumBytes);
            if constexpr (kTiles == 2) {
                _tile_stored(2, second_sums, kSumBytes);
                _tile_stored(3, second_sums + kLanes, kSumBytes);
            }
        }
    }
};

}  // namespace
}  // namespace spikelens::kernels
