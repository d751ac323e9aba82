#pragma once

// The adjoint of a layer's weights, for every instruction set. Most gradients of currents are zero: where the surrogate is, and
// where a max pool passed nothing on. Those that are not are listed, pixel by pixel; each adds its row of weights to
// accumulators that stay in registers, and these are added to the places under the pixel's kernel.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

/// The gradients of one pixel that are not zero, and where their weights begin.
struct ListedGradients {
    const float* value;
    const int64_t* row;
    int count;
};

/// The walk over a task's pixels and weights, some at a time. Ops::list(gradient, task, value, row) lists a pixel and returns
/// how many are on the list; Ops::add(list, weights, lanes, sum) sets sum[lane] = Σ_i value[i] · weights[row[i] + lane], i in
/// order.
template <class Ops>
class Spread {
  public:
    explicit Spread(const SpreadTask& task) : task_(task), values_(kPixels * task.padded), rows_(kPixels * task.padded) {}

    void run() {
        Place place;
        for (bool more = true; more;) {
            int count = 0;
            for (; count < kPixels && (more = place.step < task_.steps); ++count) list(place, count);
            for (int64_t lane = 0; lane < task_.row_length; lane += kLanes) {
                const auto lanes = static_cast<int>(std::min<int64_t>(kLanes, task_.row_length - lane));
                for (int i = 0; i < count; ++i) {
                    if (counts_[i] == 0) continue;
                    const int64_t at = int64_t{i} * task_.padded;
                    alignas(64) float sum[kLanes];
                    Ops::add({&values_[at], &rows_[at], counts_[i]}, task_.weights + lane, lanes, sum);
                    put(places_[i], lane, lane + lanes, sum);
                }
            }
        }
    }

  private:
    static constexpr int kPixels = kSpreadPixels;
    static constexpr int64_t kLanes = 192;  // of weights: those of many outputs stay in the second-level cache

    /// A pixel of the output, and where the next one's gradients lie.
    struct Place {
        int step = 0, row = 0, column = 0;
        int64_t offset = 0;
    };

    void list(Place& place, int i) {
        const int64_t at = int64_t{i} * task_.padded;
        counts_[i] = Ops::list(task_.gradient + place.offset, task_, &values_[at], &rows_[at]);
        places_[i] = place;
        place.offset += task_.padded;
        if (++place.column < task_.out_width) return;
        place.column = 0;
        if (++place.row < task_.out_height) return;
        place.row = 0;
        ++place.step;
    }

    /// Adds sums of the lanes [first, end) of the kernel, [row][column][channel], to the input under it.
    void put(const Place& place, int64_t first, int64_t end, const float* sum) const {
        const int64_t column = int64_t{place.column} * task_.stride - task_.padding;
        const int64_t row = int64_t{place.row} * task_.stride - task_.padding, channels = task_.in_channels;
        const int64_t length = task_.kernel_width * channels;  // of a row of the kernel
        const int64_t inside = std::max<int64_t>(0, -column) * channels;
        const int64_t outside = std::min<int64_t>(task_.kernel_width, task_.in_width - column) * channels;
        int64_t begin = 0;  // of the kernel's row
        for (int64_t ky = 0; ky < task_.kernel_height && begin < end; ++ky, begin += length) {
            if (begin + length <= first || row + ky < 0 || row + ky >= task_.in_height) continue;
            const int64_t from = std::max(first, begin + inside), stop = std::min(end, begin + outside);
            float* __restrict to = task_.input_gradient +
                                   ((place.step * int64_t{task_.in_height} + row + ky) * task_.in_width + column) * channels -
                                   begin;
            for (int64_t lane = from; lane < stop; ++lane) to[lane] += sum[lane - first];
        }
    }

    const SpreadTask& task_;
    std::vector<float> values_;
    std::vector<int64_t> rows_;
    Place places_[kPixels];
    int counts_[kPixels] = {};
};

template <class Isa>
struct VectorSpread {
    using Floats = typename Isa::Floats;
    static constexpr int kWidth = Isa::kBytes / 4;
    static constexpr int kMost = 9;  ///< registers of sums at once; a layer of 16 channels and a kernel of 3×3 fills 9 or 18

    template <int N>
    static void sum_registers(const ListedGradients& list, const float* weights, float* sum) {
        Floats local[N] = {};
        for (int i = 0; i < list.count; ++i) {
            const float* from = weights + list.row[i];
            for (int r = 0; r < N; ++r) local[r] = local[r] + list.value[i] * load<Floats>(from + r * kWidth);
        }
        for (int r = 0; r < N; ++r) store(sum + r * kWidth, local[r]);
    }

    /// So many registers, at most kMost at once.
    template <int N = kMost>
    static void sum_all(int registers, const ListedGradients& list, const float* weights, float* sum) {
        for (; registers >= N; registers -= N, weights += N * kWidth, sum += N * kWidth) sum_registers<N>(list, weights, sum);
        if constexpr (N > 1)
            if (registers > 0) sum_all<N - 1>(registers, list, weights, sum);
    }

    static void add(const ListedGradients& list, const float* weights, int lanes, float* sum) {
        const int registers = lanes / kWidth;
        sum_all(registers, list, weights, sum);
        for (int lane = registers * kWidth; lane < lanes; ++lane) {
            float total = 0;
            for (int i = 0; i < list.count; ++i) total = total + list.value[i] * weights[list.row[i] + lane];
            sum[lane] = total;
        }
    }

    /// Most groups of outputs have no gradient that is not zero, or nothing else.
    static int list(const float* gradient, const SpreadTask& task, float* value, int64_t* row) {
        constexpr uint64_t kAll = (uint64_t{1} << kWidth) - 1;
        int count = 0;
        for (int first = 0; first < task.padded; first += kWidth) {
            uint64_t bits = Isa::bits(load<Floats>(gradient + first) != 0.0F);
            if (bits == kAll) {
                for (int i = 0; i < kWidth; ++i) row[count + i] = (first + i) * task.row_length;
                store(value + count, load<Floats>(gradient + first));
                count += kWidth;
                continue;
            }
            for (; bits != 0; bits &= bits - 1, ++count) {
                const int output = first + std::countr_zero(bits);
                value[count] = gradient[output];
                row[count] = output * task.row_length;
            }
        }
        return count;
    }

    static void spread(const SpreadTask& task) { Spread<VectorSpread>(task).run(); }
};

}  // namespace
}  // namespace spikelens::kernels
