#pragma once

// A layer without lists: the input as bytes times all weights, each taken apart into four int8 slices,
//     w = s0 + 2^8 s1 + 2^16 s2 + 2^24 s3,   −128 ≤ s ≤ 127,
// so that Σ w x = Σ s0 x + 2^8 Σ s1 x + 2^16 Σ s2 x + 2^24 Σ s3 x, exactly: four products of matrices of bytes
// (tile_products.h).
//
// For a patch of output pixels (slice_patch.h) the input is unpacked once. Then, for 16 outputs at a time, some words
// of input channels are taken: their weights are sliced, as much as stays in the first-level cache, and multiplied with
// all rows (a pixel at a step) of the patch. Currents go to the membranes without leaving the second-level cache. Cost:
// four byte multiplications for each weight and row, whatever the input holds.

#include <cstring>
#include <memory>
#include <vector>

#include "avx512.h"
#include "layer_plan.h"
#include "membranes.h"
#include "slice_patch.h"
#include "tile_products.h"

namespace spikelens::kernels {
namespace {

class SlicedLayer : Sliced {
  public:
    static void layer(const LayerTask& task) {
        with_stepper(task, [&](auto plain, auto counts) { SlicedLayer(task).run<plain.value, counts.value>(); });
    }

  private:
    static constexpr int kHalf = kLanes / 2;
    using Words = uint32_t __attribute__((vector_size(64)));
    using Doubles = double __attribute__((vector_size(64)));
    using HalfInts = int32_t __attribute__((vector_size(32)));
    using HalfFloats = float __attribute__((vector_size(32)));

    struct alignas(64) Line {
        uint8_t bytes[64];
    };
    struct alignas(64) Sums {
        int32_t of[kSlices][kLanes];
    };
    struct alignas(64) Row {
        float current[kLanes];
    };
    /// A word of input channels under the kernel.
    struct Word {
        int64_t weights;  ///< of its first channel, from the begin of a block
        int channels;
    };

    explicit SlicedLayer(const LayerTask& task)
        : task_(task),
          plan_(*task.plan),
          quads_(plan_.in_words > 1 ? kQuads : (plan_.in_channels + 3) / 4),
          row_bytes_(SlicePatch::row_bytes(plan_)),
          products_(quads_) {
        for (int tap = 0; tap < plan_.taps(); ++tap)
            for (int i = 0; i < plan_.in_words; ++i)
                words_.push_back({(int64_t{tap} * plan_.in_channels + i * 64) * plan_.lanes,
                                  std::min(64, plan_.in_channels - i * 64)});
        slices_ = std::make_unique<Line[]>(int64_t{kSlices} * quads_ * TileProducts::kWords);
    }

    template <bool kPlain, bool kCounts>
    void run() {
        const std::span<const PixelSpan> spans = task_.pixels;
        for (size_t first = 0, end = 0; first < spans.size(); first = end) {
            end = first + 1;  // of rows that follow each other, with the same columns
            while (end < spans.size() && spans[end].row == spans[end - 1].row + 1 &&
                   spans[end].first_column == spans[first].first_column &&
                   spans[end].end_column == spans[first].end_column)
                ++end;
            const int row = spans[first].row, rows = static_cast<int>(end - first);
            const auto most =
                SlicePatch::largest(plan_, task_.steps, rows, spans[first].end_column - spans[first].first_column);
            for (int y = 0; y < rows; y += most.rows)
                for (int x = spans[first].first_column; x < spans[first].end_column; x += most.columns) {
                    const SlicePatch patch{std::min(most.rows, rows - y),
                                           std::min(most.columns, spans[first].end_column - x)};
                    run_patch<kPlain, kCounts>(patch, row + y, x);
                }
        }
    }

    template <bool kPlain, bool kCounts>
    void run_patch(const SlicePatch& patch, int row, int column) {
        unpack(patch, row * plan_.stride - plan_.padding, column * plan_.stride - plan_.padding);
        const int64_t matrix_rows = patch.matrix_rows(task_.steps);
        if (sum_count_ < patch.rows * matrix_rows) {
            sum_count_ = patch.rows * matrix_rows;
            sums_ = std::make_unique<Sums[]>(sum_count_);
        }
        if (row_count_ < matrix_rows) {
            row_count_ = matrix_rows;
            rows_ = std::make_unique<Row[]>(row_count_);
        }
        for (int block = task_.first_block; block < task_.end_block; ++block)
            for (int offset = block * plan_.lanes; offset < (block + 1) * plan_.lanes; offset += kLanes) {
                std::memset(sums_.get(), 0, sizeof(Sums) * patch.rows * matrix_rows);
                multiply(patch, offset);
                const Stepper<Avx512, 1, kPlain, kCounts> stepper(task_, offset);
                for (int y = 0; y < patch.rows; ++y)
                    fire(stepper, int64_t{row + y} * plan_.out_width + column, patch.columns, &sums_[y * matrix_rows],
                         offset);
            }
    }

    /// The bytes under the patch, and where each word of channels begins under its first pixel. Zero outside the input.
    void unpack(const SlicePatch& patch, int row, int column) {
        const int64_t pixel_bytes = row_bytes_ * task_.steps, slots = patch.column_slots(plan_);
        const int64_t row_slots = slots * plan_.stride,
                      lines = (patch.input_bytes(plan_, task_.steps) + row_bytes_ * SlicePatch::kRowsTogether) / 64;
        if (line_count_ < lines) {
            line_count_ = lines;
            bytes_ = std::make_unique<Line[]>(lines);
        }
        uint8_t* const bytes = bytes_[0].bytes;
        for (int y = 0; y < patch.input_rows(plan_); ++y)
            for (int x = 0; x < patch.input_columns(plan_); ++x)
                unpack_pixel(row + y, column + x,
                             bytes + (y * row_slots + x % plan_.stride * slots + x / plan_.stride) * pixel_bytes);
        offsets_.clear();
        for (int ky = 0; ky < plan_.kernel_height; ++ky)
            for (int kx = 0; kx < plan_.kernel_width; ++kx)
                for (int i = 0; i < plan_.in_words; ++i)
                    offsets_.push_back((ky * row_slots + kx % plan_.stride * slots + kx / plan_.stride) * pixel_bytes +
                                       i * 64);
        patch_row_bytes_ = plan_.stride * row_slots * pixel_bytes;
    }

    void unpack_pixel(int y, int x, uint8_t* to) const {
        const int words = plan_.in_words;
        if (y < 0 || x < 0 || y >= plan_.in_height || x >= plan_.in_width) {
            std::memset(to, 0, row_bytes_ * task_.steps);
            return;
        }
        const uint64_t* from = task_.spikes + (int64_t{y} * plan_.in_width + x) * task_.steps * task_.planes * words;
        for (int step = 0; step < task_.steps; ++step, from += task_.planes * words, to += row_bytes_)
            for (int i = 0; i < words; ++i) {
                __m512i values = _mm512_setzero_si512();
                for (int plane = 0; plane < task_.planes; ++plane)
                    values = _mm512_or_si512(
                        values, _mm512_maskz_set1_epi8(from[plane * words + i], static_cast<char>(1 << plane)));
                _mm512_store_si512(to + 64 * i, values);
            }
    }

    /// Sums of all rows of the patch for the 16 outputs from `offset` on.
    void multiply(const SlicePatch& patch, int offset) {
        const auto words = static_cast<int>(words_.size());
        const int parts = (words + TileProducts::kWords - 1) / TileProducts::kWords;
        for (int part = 0; part < parts; ++part) {
            const int first = static_cast<int>(int64_t{words} * part / parts),
                      end = static_cast<int>(int64_t{words} * (part + 1) / parts);
            for (int i = first; i < end; ++i)
                slice(weights_of(plan_, offset) + words_[i].weights, words_[i].channels,
                      &slices_[(i - first) * kSlices * quads_]);
            for (int y = 0; y < patch.rows; ++y)
                products_.add({bytes_[0].bytes + y * patch_row_bytes_, row_bytes_, int64_t{patch.columns} * task_.steps,
                               &offsets_[first], end - first, quads_, reinterpret_cast<const int8_t*>(slices_.get()),
                               sums_[y * patch.matrix_rows(task_.steps)].of[0]});
        }
    }

    /// Weights [channel][lane] → [slice][quad][16][4]. The bytes of w + 0x808080, without what was added to the lower
    /// three.
    void slice(const int32_t* weights, int channels, Line* to) const {
        constexpr uint32_t kMiddle = 0x808080, kEven = 0x00FF00FF, kLow = 0x0000FFFF;
        for (int quad = 0; quad < quads_; ++quad) {
            Words w[4] = {};
            for (int i = 0; i < 4; ++i)
                if (const int channel = 4 * quad + i; channel < channels)
                    w[i] = (load<Words>(weights + int64_t{channel} * plan_.lanes) + kMiddle) ^ kMiddle;
            const Words first02 = (w[0] & kEven) | (w[1] & kEven) << 8, first13 = (w[0] >> 8 & kEven) | (w[1] & ~kEven);
            const Words last02 = (w[2] & kEven) | (w[3] & kEven) << 8, last13 = (w[2] >> 8 & kEven) | (w[3] & ~kEven);
            store(&to[quad], (first02 & kLow) | last02 << 16);
            store(&to[quads_ + quad], (first13 & kLow) | last13 << 16);
            store(&to[2 * quads_ + quad], first02 >> 16 | (last02 & ~kLow));
            store(&to[3 * quads_ + quad], first13 >> 16 | (last13 & ~kLow));
        }
    }

    /// Membranes of the 16 outputs from `offset` on, at neighbouring pixels of one row.
    template <class Step>
    void fire(const Step& stepper, int64_t pixel, int columns, const Sums* sums, int offset) {
        const int64_t rows = int64_t{columns} * task_.steps;
        for (int64_t row = 0; row < rows; ++row)
            for (int lane = 0; lane < kLanes; lane += kHalf) store_current(sums[row], lane, offset, rows_[row]);
        by_pixels<kPixelsTogether<Avx512, 1>>(columns, [&](auto p, int i) {
            typename Step::State state[p.value];
            const int64_t pixel_rows = int64_t{task_.steps};
            stepper.template run<p.value>(pixel + i, 0, task_.steps,
                                          {rows_[i * pixel_rows].current, pixel_rows * kLanes, kLanes}, state);
            for (int at = 0; at < p.value; ++at) stepper.store_counts(pixel + i + at, state[at]);
        });
    }

    /// Half of the lanes. Doubles hold the integer that the sums of four slices make, so it is rounded once.
    void store_current(const Sums& sums, int lane, int offset, Row& row) const {
        const auto slice = [&](int i) { return load<HalfInts>(&sums.of[i][lane]); };
        const HalfInts low = slice(0) + (slice(1) << 8), high = slice(2) + (slice(3) << 8);
        const Doubles total = __builtin_convertvector(high, Doubles) * 65536.0 + __builtin_convertvector(low, Doubles);
        const auto rounded = __builtin_convertvector(total, HalfFloats);
        store(&row.current[lane],
              rounded * load<HalfFloats>(&plan_.scale[offset + lane]) + load<HalfFloats>(&plan_.bias[offset + lane]));
    }

    const LayerTask& task_;
    const LayerPlan& plan_;
    int quads_;
    int64_t row_bytes_;  // of one pixel at one step
    int64_t patch_row_bytes_ = 0, line_count_ = 0, sum_count_ = 0, row_count_ = 0;
    TileProducts products_;
    std::vector<Word> words_;
    std::vector<int64_t> offsets_;
    std::unique_ptr<Line[]> slices_, bytes_;
    std::unique_ptr<Sums[]> sums_;
    std::unique_ptr<Row[]> rows_;  // currents of one output row
};

}  // namespace
}  // namespace spikelens::kernels
