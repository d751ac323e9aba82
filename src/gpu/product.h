#pragma once

// A weighted layer of spikes as one product of matrices of bytes: rows are pixels at a step, columns are outputs, and
// each weight is four int8 slices,
//     w = s0 + 2^8 s1 + 2^16 s2 + 2^24 s3,   −128 ≤ s ≤ 127,
// so that Σ w x = Σ s0 x + 2^8 Σ s1 x + 2^16 Σ s2 x + 2^24 Σ s3 x, exactly. A block of threads makes the four int32
// sums of a tile of rows and outputs, puts each four together in int64, rounds them to float once, and takes the
// neurons through their steps: a tile's rows are all steps of some pixels. Nothing but spikes goes back to memory.

#include "tasks.h"

namespace spikelens::gpu {

/// A tile: 128 rows times 16 outputs for each column of warps, each of which makes 64 rows × 64 columns of sums, in
/// steps of 64 bytes of depth. A multiprocessor has at least two such blocks: one multiplies while the other fires.
template <int kColumnWarps>
struct Tile {
    static constexpr int kRowWarps = 2, kWarps = kRowWarps * kColumnWarps, kThreads = 32 * kWarps;
    static constexpr int kSlices = 4, kOutputs = 16 * kColumnWarps, kColumns = kSlices * kOutputs;
    static constexpr int kRows = 64 * kRowWarps, kDepth = 64, kParts = kDepth / kGranule, kStages = 4;
    static constexpr int kInputBytes = kRows * kDepth, kStageBytes = kInputBytes + kColumns * kDepth;
    static constexpr int kSumStride = kOutputs + 1;
    static constexpr int kOriginBytes = kRows * 16;
    static constexpr int kSharedBytes = kOriginBytes + kStages * kStageBytes;
    static constexpr int kSumBytes = 8 * kRows * kSumStride;  ///< of sums in int64, or of currents; spikes stand behind
    static_assert(kSumBytes % kGranule == 0 && kSumBytes + kRows * kOutputs <= kStages * kStageBytes);
};

constexpr int kTileRows = Tile<1>::kRows, kDepth = Tile<1>::kDepth;

/// Column c of a tile is slice (c / 8) % 4 of the tile's output column_output(c): a thread that holds sums of one slice
/// holds those of the others.
constexpr int column_output(int column) { return column / 64 * 16 + column % 64 / 32 * 8 + column % 8; }
constexpr int column_slice(int column) { return column / 8 % 4; }

/// Where a part of 16 bytes of a row lies in a block's memory: eight rows' equal parts are in different banks.
constexpr int part_place(int row, int part) { return row * kDepth + (part ^ (row / 2 % 4)) * kGranule; }

/// The slice of a weight.
constexpr int8_t slice_of(int64_t weight, int slice) {
    for (int below = 0; below < slice; ++below) weight = (weight - static_cast<int8_t>(weight & 255)) >> 8;
    return static_cast<int8_t>(weight & 255);
}

/// The order of a layer's depth: [tap][channel, filled up to kGranule], filled up to kDepth.
struct Depth {
    int taps = 1, channels = 1;

    constexpr int granules() const { return static_cast<int>(rounded_up(channels, kGranule) / kGranule); }
    constexpr int steps() const {
        return static_cast<int>(rounded_up(int64_t{taps} * granules() * kGranule, kDepth) / kDepth);
    }
};

/// Weights [block][tap][channel][lane] (LayerPlan) become slices [tile][step of the depth][column][byte].
struct SliceWeights {
    Depth depth;
    int lanes = 0, outputs = 0, tile_outputs = 0;
    const int32_t* weights = nullptr;
    int8_t* slices = nullptr;

    constexpr int tiles() const { return (outputs + tile_outputs - 1) / tile_outputs; }
    constexpr int64_t bytes() const { return int64_t{tiles()} * depth.steps() * 4 * tile_outputs * kDepth; }
    constexpr int64_t count() const { return bytes() / kGranule; }
    SPIKELENS_DEVICE void operator()(int64_t i) const {
        const int columns = 4 * tile_outputs, parts = kDepth / kGranule;
        const int part = static_cast<int>(i % parts), column = static_cast<int>(i / parts % columns);
        const int64_t step = i / parts / columns % depth.steps(), tile = i / parts / columns / depth.steps();
        const int64_t granule = step * parts + part, tap = granule / depth.granules();
        const int output = static_cast<int>(tile) * tile_outputs + column_output(column);
        for (int byte = 0; byte < kGranule; ++byte) {
            const int channel = static_cast<int>(granule % depth.granules()) * kGranule + byte;
            const bool there = tap < depth.taps && channel < depth.channels && output < outputs;
            const int64_t row = (int64_t{output / lanes} * depth.taps + tap) * depth.channels + channel;
            slices[i * kGranule + byte] =
                there ? slice_of(weights[row * lanes + output % lanes], column_slice(column)) : int8_t{0};
        }
    }
};

/// The product, and what becomes of it: spikes by neurons, or sums over the steps of a readout.
struct ProductTask {
    Map input;
    Window window;
    Depth depth;
    const int8_t* slices = nullptr;
    const float* scale = nullptr;  ///< [tile][output]
    const float* bias = nullptr;
    int tiles = 0;            ///< of outputs
    bool rows_first = false;  ///< in which order blocks are numbered: neighbours share their weights, else their input
    Neurons neurons;
    int64_t* totals = nullptr;  ///< where not null, in place of neurons: [place][padded], added to

    constexpr int tile_pixels() const { return kTileRows / input.steps; }
    constexpr int64_t places() const { return input.samples * window.out_height * window.out_width; }
    constexpr int64_t row_tiles() const { return (places() + tile_pixels() - 1) / tile_pixels(); }
    constexpr int64_t blocks() const { return row_tiles() * tiles; }
};

/// What a row of the input's matrix begins with: the pixel under the kernel's first tap, which may lie outside.
struct RowOrigin {
    int64_t at = 0;                       ///< its byte in the map, at the row's sample and step
    int row = INT32_MIN / 2, column = 0;  ///< outside of any input, where there is no such row
};
static_assert(sizeof(RowOrigin) == 16);

/// The sums of one thread. A warp's are the fragments of its instruction: 4 × 8 squares of 16 rows and 8 columns.
struct Sums {
    int32_t of[4][8][4];
};

/// Where the sum of[i][j][e] of a thread lies in its tile.
constexpr int warp_row(int thread) { return thread / 32 % Tile<1>::kRowWarps * 64; }
constexpr int warp_column(int thread) { return thread / 32 / Tile<1>::kRowWarps * 64; }
constexpr int sum_row(int thread, int i, int e) { return warp_row(thread) + i * 16 + e / 2 * 8 + thread % 32 / 4; }
constexpr int sum_column(int thread, int j, int e) { return warp_column(thread) + j * 8 + thread % 4 * 2 + e % 2; }

/// A tile's work. `Team` is the block of threads: each(f) has every thread do f(thread), sync() waits for all;
/// Team::Own<T> is a T of each thread. It copies into the block's memory ahead of use, and multiplies.
template <class Shape, class Team>
class Product {
  public:
    SPIKELENS_DEVICE Product(const ProductTask& task, int64_t block, Team& team) : task_(task), team_(team) {
        const auto index = static_cast<Index>(block), row_tiles = static_cast<Index>(task.row_tiles());
        const Index tiles = task.tiles;
        tile_ = static_cast<int>(task.rows_first ? index / row_tiles : index % tiles);
        first_place_ = int64_t{task.rows_first ? index % row_tiles : index / tiles} * task.tile_pixels();
        origins_ = reinterpret_cast<RowOrigin*>(team.memory());
        stages_ = team.memory() + Shape::kOriginBytes;
    }

    SPIKELENS_DEVICE void run() {
        typename Team::template Own<Sums> sums;
        team_.each([&](int thread) { prepare(thread, sums[thread]); });
        team_.sync();
        const int steps = task_.depth.steps();
        for (int step = 0; step < Shape::kStages - 1; ++step) copy(step, steps);
        for (int step = 0; step < steps; ++step) {
            team_.template wait<Shape::kStages - 2>();
            team_.sync();
            copy(step + Shape::kStages - 1, steps);
            const uint8_t* stage = stages_ + step % Shape::kStages * Shape::kStageBytes;
            team_.each([&](int thread) { Team::multiply(thread, stage, stage + Shape::kInputBytes, sums[thread]); });
        }
        team_.template wait<0>();
        team_.sync();
        task_.totals ? read_out(sums) : fire(sums);
    }

  private:
    SPIKELENS_DEVICE void prepare(int thread, Sums& sums) {
        sums = {};
        const Window& window = task_.window;
        const Index steps = task_.input.steps, width = window.out_width, pixels = window.out_height * width;
        for (int r = thread; r < Shape::kRows; r += Shape::kThreads) {
            RowOrigin origin;
            if (r < real_rows()) {
                const Index place = static_cast<Index>(first_place_) + r / steps, pixel = place % pixels;
                origin.row = static_cast<int>(pixel / width) * window.stride - window.padding;
                origin.column = static_cast<int>(pixel % width) * window.stride - window.padding;
                const int64_t in_row = int64_t{place / pixels} * window.in_height + origin.row;
                origin.at = ((in_row * window.in_width + origin.column) * steps + r % steps) * task_.input.padded();
            }
            origins_[r] = origin;
        }
    }

    /// Begins to copy what one step of the depth needs, where there is one.
    SPIKELENS_DEVICE void copy(int step, int steps) {
        if (step < steps) team_.each([&](int thread) { copy_part(thread, step); });
        team_.commit();
    }

    SPIKELENS_DEVICE void copy_part(int thread, int step) {
        constexpr int kParts = Shape::kParts;
        const Window& window = task_.window;
        uint8_t* const stage = stages_ + step % Shape::kStages * Shape::kStageBytes;
        const int part = thread % kParts, granules = task_.depth.granules();
        const int granule = step * kParts + part, tap = granule / granules, channels = granule - tap * granules;
        const int tap_row = tap / window.kernel_width, tap_column = tap - tap_row * window.kernel_width;
        const int64_t of_tap =
            (int64_t{tap_row} * window.in_width + tap_column) * task_.input.steps * task_.input.padded() +
            channels * kGranule;
        const bool real = tap < task_.depth.taps;
        SPIKELENS_UNROLL for (int r = thread / kParts; r < Shape::kRows; r += Shape::kThreads / kParts) {
            const RowOrigin origin = origins_[r];
            const bool there = real &&
                               static_cast<Index>(origin.row + tap_row) < static_cast<Index>(window.in_height) &&
                               static_cast<Index>(origin.column + tap_column) < static_cast<Index>(window.in_width);
            Team::copy_reused(stage + part_place(r, part), task_.input.data + (there ? origin.at + of_tap : 0), there);
        }
        const int8_t* const weights =
            task_.slices + (int64_t{tile_} * task_.depth.steps() + step) * Shape::kColumns * kDepth;
        SPIKELENS_UNROLL for (int c = thread / kParts; c < Shape::kColumns; c += Shape::kThreads / kParts)
            Team::copy_once(stage + Shape::kInputBytes + part_place(c, part), weights + c * kDepth + part * kGranule);
    }

    /// Calls to(row, output, sum) for each of a thread's outputs: its four slices' sums put together.
    template <class To>
    SPIKELENS_DEVICE static void for_each_sum(int thread, const Sums& sums, const To& to) {
        SPIKELENS_UNROLL for (int i = 0; i < 4; ++i) {
            SPIKELENS_UNROLL for (int j = 0; j < 8; j += 4) {
                SPIKELENS_UNROLL for (int e = 0; e < 4; ++e) {
                    const int64_t total = int64_t{sums.of[i][j][e]} + int64_t{sums.of[i][j + 1][e]} * (1 << 8) +
                                          int64_t{sums.of[i][j + 2][e]} * (1 << 16) +
                                          int64_t{sums.of[i][j + 3][e]} * (1 << 24);
                    to(sum_row(thread, i, e), column_output(sum_column(thread, j, e)), total);
                }
            }
        }
    }

    /// Rows of the tile that are steps of pixels.
    SPIKELENS_DEVICE int real_rows() const {
        const int64_t left = task_.places() - first_place_;
        return (left < task_.tile_pixels() ? static_cast<int>(left) : task_.tile_pixels()) * task_.input.steps;
    }

    /// Calls run(place, output of the layer, output of the tile, first row) for each neuron of the tile.
    template <class Run>
    SPIKELENS_DEVICE void for_each_neuron(int thread, const Run& run) {
        const int first_output = tile_ * Shape::kOutputs, steps = task_.input.steps, rows = real_rows();
        for (int i = thread; i / Shape::kOutputs * steps < rows; i += Shape::kThreads) {
            const int pixel = i / Shape::kOutputs, in_tile = i % Shape::kOutputs;
            if (first_output + in_tile < task_.neurons.padded)
                run(first_place_ + pixel, first_output + in_tile, in_tile, pixel * steps);
        }
    }

    template <class Own>
    SPIKELENS_DEVICE void fire(Own& sums) {
        float* const currents = reinterpret_cast<float*>(stages_);
        team_.each([&](int thread) {
            for_each_sum(thread, sums[thread], [&](int row, int output, int64_t total) {
                const int64_t column = int64_t{tile_} * Shape::kOutputs + output;
                currents[row * Shape::kSumStride + output] =
                    static_cast<float>(static_cast<double>(total)) * task_.scale[column] + task_.bias[column];
            });
        });
        team_.sync();
        uint8_t* const spikes = stages_ + Shape::kSumBytes;
        team_.each([&](int thread) {
            for_each_neuron(thread, [&](int64_t place, int output, int in_tile, int row) {
                NeuronRun run(task_.neurons, place, output);
                for (int step = 0; step < task_.input.steps; ++step) {
                    const float current = currents[(row + step) * Shape::kSumStride + in_tile];
                    spikes[(row + step) * Shape::kOutputs + in_tile] = run.step(step, current) ? 1 : 0;
                }
                run.finish();
            });
        });
        if (!task_.neurons.spikes) return;
        team_.sync();
        team_.each([&](int thread) { send(thread, spikes); });
    }

    /// The tile's spikes go to the map, kGranule at once.
    SPIKELENS_DEVICE void send(int thread, const uint8_t* spikes) {
        constexpr int kGranules = Shape::kOutputs / kGranule;
        for (int i = thread; i < real_rows() * kGranules; i += Shape::kThreads) {
            const int row = i / kGranules, output = tile_ * Shape::kOutputs + i % kGranules * kGranule;
            if (output >= task_.neurons.padded) continue;
            uint8_t* const to =
                task_.neurons.spikes + (first_place_ * task_.input.steps + row) * task_.neurons.padded + output;
            *reinterpret_cast<Granule*>(to) = *reinterpret_cast<const Granule*>(spikes + i * kGranule);
        }
    }

    template <class Own>
    SPIKELENS_DEVICE void read_out(Own& sums) {
        int64_t* const totals = reinterpret_cast<int64_t*>(stages_);
        team_.each([&](int thread) {
            for_each_sum(thread, sums[thread],
                         [&](int row, int output, int64_t total) { totals[row * Shape::kSumStride + output] = total; });
        });
        team_.sync();
        team_.each([&](int thread) {
            for_each_neuron(thread, [&](int64_t place, int output, int in_tile, int row) {
                int64_t sum = 0;
                for (int step = 0; step < task_.input.steps; ++step)
                    sum += totals[(row + step) * Shape::kSumStride + in_tile];
                task_.totals[place * task_.neurons.padded + output] += sum;
            });
        });
    }

    const ProductTask& task_;
    Team& team_;
    int tile_ = 0;
    int64_t first_place_ = 0;
    RowOrigin* origins_ = nullptr;
    uint8_t* stages_ = nullptr;
};

}  // namespace spikelens::gpu
