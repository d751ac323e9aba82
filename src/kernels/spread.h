#pragma once

// The adjoint of a layer's weights, for every instruction set. Many gradients of currents are zero: where the surrogate
// is, and where a max pool passed nothing on. Those that are not are listed, pixel by pixel. Registers take what lies
// under a pixel's kernel, add the rows of weights of what is listed, and give it back. Where some steps have nearly the
// same list at a pixel, they are taken together, so that weights are read once for all of them. Where a small kernel
// has few weights, a sweep over the columns of the gradient holds what lies under its kernel in registers.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "column_sweep.h"
#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

/// The outputs that are listed at one pixel, and where their gradients lie.
struct Listed {
    const uint32_t* output;
    int count;
    const float* gradient;  ///< of the first step
    int64_t next;           ///< to the one of the next step
};

/// Where groups of neighbouring lanes go: the place of each.
struct Destination {
    float* first;           ///< of the first step
    int64_t next;           ///< to the one of the next step
    const int64_t* places;  ///< of each group, seen from there
};

/// The walk over a task's pixels and weights, some at a time. Ops::mask sets the bits of what is not zero, Ops::list
/// lists set bits, Ops::add<steps>(list, weights, row_length, lanes, to) adds Σ_i gradient[output[i]] ·
/// weights[output[i]] to each place, i in order. Ops::kTogether steps may be taken together, or half as many.
template <class Ops>
class Spread {
  public:
    explicit Spread(const SpreadTask& task)
        : task_(flat(task)),
          direct_(whole(task) || task.in_channels % kGroup == 0),
          tile_(!whole(task) ? kLanes : std::clamp<int64_t>(kNearWeights / task.out_channels / 48 * 48, 48, kLanes)),
          words_((task.padded + 63) / 64),
          capacity_(task.padded + 16),
          masks_(Ops::kTogether * words_),
          outputs_(kPixels * capacity_) {}

    /// Some pixels at some steps after the others. Which ones is the same in every set, and so is the order of
    /// additions where pixels reach the same place.
    void run() {
        const int pixels = task_.out_height * task_.out_width;
        const int at_once = pixels == 1 ? 1 : kPixels / kSteps, steps_at_once = kPixels / at_once;
        for (int step = 0; step < task_.steps; step += steps_at_once)
            for (int first = 0; first < pixels; first += at_once) {
                const int end_step = std::min(task_.steps, step + steps_at_once);
                for (int pixel = first; pixel < std::min(pixels, first + at_once); ++pixel)
                    for (int s = step; s < end_step; s += Ops::kTogether)
                        list_pixel(s, std::min(Ops::kTogether, end_step - s), pixel / task_.out_width,
                                   pixel % task_.out_width);
                spread_listed();
            }
    }

  private:
    static constexpr int kPixels = kSpreadPixels, kSteps = 8;
    static_assert(kSteps % Ops::kTogether == 0 && kPixels % kSteps == 0);
    static constexpr int64_t kPixelPrice = 7000;  // in weights: what a list costs beside them, measured
    static constexpr int kLanes = 18 * kGroup;    // of weights: those of many outputs stay in the second-level cache
    static constexpr int64_t kNearWeights = 6 * 1024;  // they stay in the first-level cache

    struct Pixel {
        int step, row, column;
        int steps;  ///< taken together, from this one on
        int count;  ///< listed
    };

    /// Part of a kernel that lies on the input, and the groups of a tile of its lanes.
    struct Window {
        int first_ky = 0, end_ky = 0, first_kx = 0, end_kx = 0;
        bool operator==(const Window&) const = default;
    };
    struct Groups {
        Window window;
        int runs = 0;
        int64_t lane[kLanes / kGroup], lanes[kLanes / kGroup];  ///< of each run of neighbouring lanes
        const int64_t* places[kLanes / kGroup];                 ///< of its groups
        int64_t place[kLanes / kGroup];
    };

    static bool whole(const SpreadTask& task) {
        return task.kernel_height == task.in_height && task.kernel_width == task.in_width && task.padding == 0;
    }

    /// A kernel as large as the input is a row of channels.
    static SpreadTask flat(SpreadTask task) {
        if (!whole(task)) return task;
        task.in_channels *= task.in_height * task.in_width;
        task.in_height = task.in_width = task.kernel_height = task.kernel_width = 1;
        return task;
    }

    const float* gradient_at(int step, int row, int column) const {
        return task_.gradient + ((int64_t{step} * task_.out_height + row) * task_.out_width + column) * task_.padded;
    }
    int64_t gradient_frame() const { return int64_t{task_.out_height} * task_.out_width * task_.padded; }
    int64_t input_frame() const { return int64_t{task_.in_height} * task_.in_width * task_.in_channels; }

    void list_pixel(int step, int steps, int row, int column) {
        const float* const gradient = gradient_at(step, row, column);
        for (int s = 0; s < steps; ++s) Ops::mask(gradient + s * gradient_frame(), task_.padded, &masks_[s * words_]);
        list_masks({step, row, column, 1, 0}, 0, steps);
    }

    /// Of steps from the pixel's on, whose masks begin here. They are taken together where that multiplies by few zeros
    /// more, or weights are few beside what a pixel costs.
    void list_masks(Pixel pixel, int mask, int steps) {
        constexpr int kHalf = std::max(1, Ops::kTogether / 2);
        if (direct_ && steps > 1 && (steps == Ops::kTogether || steps == kHalf)) {
            int all = 0, together = 0;
            for (int word = 0; word < words_; ++word) {
                uint64_t any = 0;
                for (int s = 0; s < steps; ++s) {
                    all += std::popcount(masks_[(mask + s) * words_ + word]);
                    any |= masks_[(mask + s) * words_ + word];
                }
                together += std::popcount(any);
            }
            if (all == 0) return;
            if (steps * together <= all + all / 8 + kPixelPrice / task_.row_length) {
                for (int s = 1; s < steps; ++s)
                    for (int word = 0; word < words_; ++word)
                        masks_[mask * words_ + word] |= masks_[(mask + s) * words_ + word];
                pixel.steps = steps;
                return list_outputs(pixel, mask);
            }
        }
        if (direct_ && kHalf > 1 && steps > kHalf) {
            list_masks(pixel, mask, kHalf);
            pixel.step += kHalf;
            return list_masks(pixel, mask + kHalf, steps - kHalf);
        }
        for (int s = 0; s < steps; ++s, ++pixel.step) list_outputs(pixel, mask + s);
    }

    void list_outputs(Pixel pixel, int mask) {
        pixel.count = Ops::list(&masks_[mask * words_], task_.padded, &outputs_[count_ * capacity_]);
        if (pixel.count > 0) pixels_[count_++] = pixel;
    }

    void spread_listed() {
        for (int64_t lane = 0; lane < task_.row_length; lane += tile_) {
            const int64_t end = std::min<int64_t>(lane + tile_, task_.row_length);
            Groups groups;
            for (int i = 0; i < count_; ++i) direct_ ? add(i, lane, end, groups) : add_sums(i, lane, end);
        }
        count_ = 0;
    }

    Listed listed(int i) const {
        const Pixel& pixel = pixels_[i];
        return {&outputs_[i * capacity_], pixel.count, gradient_at(pixel.step, pixel.row, pixel.column),
                gradient_frame()};
    }
    int first_row(const Pixel& pixel) const { return pixel.row * task_.stride - task_.padding; }
    int first_column(const Pixel& pixel) const { return pixel.column * task_.stride - task_.padding; }
    /// The input under the first weight, which may lie beyond its edges.
    int64_t place_of(const Pixel& pixel) const {
        return ((int64_t{pixel.step} * task_.in_height + first_row(pixel)) * task_.in_width + first_column(pixel)) *
               task_.in_channels;
    }

    void add(int i, int64_t lane, int64_t end, Groups& groups) {
        const Pixel& pixel = pixels_[i];
        const int row = first_row(pixel), column = first_column(pixel);
        const Window window{std::max(0, -row), std::min(task_.kernel_height, task_.in_height - row),
                            std::max(0, -column), std::min(task_.kernel_width, task_.in_width - column)};
        if (window != groups.window) find_groups(window, lane, end, groups);
        const Listed list = listed(i);
        float* const first = task_.input_gradient + place_of(pixel);
        for (int run = 0; run < groups.runs; ++run) {
            const float* const weights = task_.weights + groups.lane[run];
            const Destination to{first, input_frame(), groups.places[run]};
            if (pixel.steps == Ops::kTogether)
                Ops::template add<Ops::kTogether>(list, weights, task_.row_length, groups.lanes[run], to);
            else if (pixel.steps > 1)
                Ops::template add<std::max(1, Ops::kTogether / 2)>(list, weights, task_.row_length, groups.lanes[run],
                                                                   to);
            else
                Ops::template add<1>(list, weights, task_.row_length, groups.lanes[run], to);
        }
    }

    /// Of the lanes [first, end).
    void find_groups(const Window& window, int64_t first, int64_t end, Groups& groups) const {
        groups.window = window;
        groups.runs = 0;
        int64_t* place = groups.place;
        const int64_t channels = task_.in_channels, length = task_.kernel_width * channels;
        for (int64_t ky = window.first_ky; ky < window.end_ky; ++ky) {
            const int64_t begin = std::max(first, ky * length + window.first_kx * channels);
            const int64_t stop = std::min(end, ky * length + window.end_kx * channels);
            if (begin >= stop) continue;
            const int last = groups.runs - 1;
            if (last >= 0 && groups.lane[last] + groups.lanes[last] == begin) {
                groups.lanes[last] += stop - begin;
            } else {
                groups.lane[groups.runs] = begin;
                groups.lanes[groups.runs] = stop - begin;
                groups.places[groups.runs++] = place;
            }
            for (int64_t lane = begin; lane < stop; lane += kGroup)
                *place++ = ky * task_.in_width * channels + lane - ky * length;
        }
    }

    /// Where few channels lie side by side: sums first, which are then added place by place.
    void add_sums(int i, int64_t lane, int64_t end) const {
        static constexpr auto kPlaces = [] {
            std::array<int64_t, kLanes / kGroup> places{};
            for (int group = 0; group < kLanes / kGroup; ++group) places[group] = group * kGroup;
            return places;
        }();
        alignas(64) float sum[kLanes];
        std::fill_n(sum, end - lane, 0.0F);
        Ops::template add<1>(listed(i), task_.weights + lane, task_.row_length, end - lane, {sum, 0, kPlaces.data()});
        put(pixels_[i], lane, end, sum);
    }

    /// Adds sums of the lanes [first, end) of the kernel, [row][column][channel], to the input under it.
    void put(const Pixel& pixel, int64_t first, int64_t end, const float* sum) const {
        const int64_t column = first_column(pixel), row = first_row(pixel), channels = task_.in_channels;
        const int64_t length = task_.kernel_width * channels;  // of a row of the kernel
        const int64_t inside = std::max<int64_t>(0, -column) * channels;
        const int64_t outside = std::min<int64_t>(task_.kernel_width, task_.in_width - column) * channels;
        int64_t begin = 0;  // of the kernel's row
        for (int64_t ky = 0; ky < task_.kernel_height && begin < end; ++ky, begin += length) {
            if (begin + length <= first || row + ky < 0 || row + ky >= task_.in_height) continue;
            const int64_t from = std::max(first, begin + inside), stop = std::min(end, begin + outside);
            float* __restrict to = task_.input_gradient + place_of(pixel) + ky * task_.in_width * channels - begin;
            for (int64_t lane = from; lane < stop; ++lane) to[lane] += sum[lane - first];
        }
    }

    const SpreadTask task_;
    const bool direct_;   ///< groups of lanes go to neighbouring places
    const int64_t tile_;  ///< lanes of weights that all listed pixels take before the next
    const int words_, capacity_;
    std::vector<uint64_t> masks_;
    std::vector<uint32_t> outputs_;
    Pixel pixels_[kPixels];
    int count_ = 0;
};

template <class Ops>
void run_spread(const SpreadTask& task) {
    if (ColumnSweep<Ops>::can(task))
        ColumnSweep<Ops>(task).run();
    else
        Spread<Ops>(task).run();
}

template <class Isa>
struct VectorSpread {
    using Floats = typename Isa::Floats;
    static constexpr int kWidth = Isa::kBytes / 4;
    static constexpr int kSums =
        Isa::kBytes == 64 ? 24 : 8;  ///< registers of sums: as many as there are without spilling
    static constexpr int kTogether = Isa::kBytes == 64 ? 8 : 2;

    /// G groups of lanes at P steps.
    template <int P, int G>
    static void add_groups(const Listed& list, const float* weights, int64_t row_length, const Destination& to) {
        constexpr int kRegisters = G * kGroup / kWidth;
        const auto place = [&](int p, int r) {
            return to.first + p * to.next + to.places[r * kWidth / kGroup] + r * kWidth % kGroup;
        };
        Floats sum[P][kRegisters] = {};
        for (int i = 0; i < list.count; ++i) {
            const int64_t output = list.output[i];
            const float *const from = weights + output * row_length, *const gradient = list.gradient + output;
            // What is fewer stays in registers beside the sums.
            if constexpr (P > kRegisters) {
                Floats weight[kRegisters];
                for (int r = 0; r < kRegisters; ++r) weight[r] = load<Floats>(from + r * kWidth);
#pragma GCC unroll 8
                for (int p = 0; p < P; ++p) {
                    const float value = gradient[p * list.next];
#pragma GCC unroll 8
                    for (int r = 0; r < kRegisters; ++r) sum[p][r] = sum[p][r] + value * weight[r];
                }
            } else {
                float value[P];
#pragma GCC unroll 8
                for (int p = 0; p < P; ++p) value[p] = gradient[p * list.next];
#pragma GCC unroll 24
                for (int r = 0; r < kRegisters; ++r) {
                    const auto weight = load<Floats>(from + r * kWidth);
#pragma GCC unroll 8
                    for (int p = 0; p < P; ++p) sum[p][r] = sum[p][r] + value[p] * weight;
                }
            }
        }
#pragma GCC unroll 24
        for (int r = 0; r < kRegisters; ++r)
#pragma GCC unroll 8
            for (int p = 0; p < P; ++p) store(place(p, r), load<Floats>(place(p, r)) + sum[p][r]);
    }

    /// So many groups, at most G at once.
    template <int P, int G>
    static void add_all(int64_t groups, const Listed& list, const float* weights, int64_t row_length, Destination to) {
        for (; groups >= G; groups -= G, weights += G * kGroup, to.places += G)
            add_groups<P, G>(list, weights, row_length, to);
        if constexpr (G > 1)
            if (groups > 0) add_all<P, G - 1>(groups, list, weights, row_length, to);
    }

    template <int P>
    static void add(const Listed& list, const float* weights, int64_t row_length, int64_t lanes,
                    const Destination& to) {
        const int64_t groups = lanes / kGroup;
        add_all<P, std::min(12, kSums * kWidth / kGroup / P)>(groups, list, weights, row_length, to);
        for (int64_t lane = groups * kGroup; lane < lanes; ++lane)
            for (int p = 0; p < P; ++p) {
                float sum = 0;
                for (int i = 0; i < list.count; ++i)
                    sum = sum +
                          list.gradient[p * list.next + list.output[i]] * weights[list.output[i] * row_length + lane];
                to.first[p * to.next + to.places[groups] + lane % kGroup] += sum;
            }
    }

    static void mask(const float* gradient, int padded, uint64_t* words) {
        for (int first = 0; first < padded; first += 64) {
            uint64_t word = 0;
            for (int lane = first; lane < std::min(padded, first + 64); lane += kWidth)
                word |= uint64_t{Isa::not_zero(load<Floats>(gradient + lane))} << lane % 64;
            words[first / 64] = word;
        }
    }

    static int list(const uint64_t* words, int padded, uint32_t* outputs) {
        const typename Isa::RowsOfBits rows(1);
        uint32_t* end = outputs;
        for (int first = 0; first < padded; first += 64)
            end = rows.list(words[first / 64], first, std::min(64, padded - first), end);
        return static_cast<int>(end - outputs);
    }

    static void spread(const SpreadTask& task) { run_spread<VectorSpread>(task); }
};

}  // namespace
}  // namespace spikelens::kernels
