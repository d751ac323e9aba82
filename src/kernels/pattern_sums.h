#pragma once

// Sums of weights for many spikes in few steps. The inputs of an output are sorted by the steps in which they spike
// (step_patterns.h): the weights of one pattern are added once, and their sum to all steps of the pattern. So a weight
// is read once for the steps of a chunk, not once for each spike. The weights are taken in parts that stay in the
// first-level cache while all pixels of a tile add what they need of them.
//
// Cost: one vector addition for each input that spikes in some step of a chunk and each register of outputs.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "layer_plan.h"
#include "membranes.h"
#include "step_patterns.h"
#include "weight_parts.h"

namespace spikelens::kernels {
namespace {

template <class Isa, bool kPlain, bool kCounts>
class PatternSums {
  public:
    explicit PatternSums(const LayerTask& task)
        : task_(task),
          plan_(*task.plan),
          parts_(plan_, plan_.part_rows),
          patterns_(task, parts_),
          chunks_(Patterns::chunks(task.steps)),
          part_lines_(plan_.part_rows + 1),
          part_(new Line[part_lines_ * plan_.lanes / kLanes]),
          sums_(new Line[int64_t{patterns_.most_items()} * item_size() * 8 / sizeof(Line)]),
          currents_(new Line[int64_t{kPixels} * chunks_ * Patterns::kSteps]) {
        for (int lane = 0; lane < plan_.lanes; lane += kLanes)
            part_[lane / kLanes * part_lines_ + plan_.part_rows] = {};
        for (int sample = 0; sample < task.samples(); ++sample) of_sample_.push_back({task.of_sample(sample)});
    }

    void run() {
        items_.reserve(patterns_.most_items());
        for (int sample = 0; sample < task_.samples(); ++sample)
            for (const auto& [row, first, end] : task_.pixels)
                for (int column = first; column < end; ++column) {
                    items_.push_back({sample, row, column});
                    if (static_cast<int>(items_.size()) == patterns_.most_items()) run_tile();
                }
        if (!items_.empty()) run_tile();
    }

  private:
    static constexpr int kWidth = Isa::kBytes / 4, kLanes = Patterns::kRowSize, kVectors = kLanes / kWidth;
    static constexpr int kPixels = kPixelsTogether<Isa, kVectors>;
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    using Step = Stepper<Isa, kVectors, kPlain, kCounts>;
    struct alignas(64) Line {
        int32_t lane[kLanes];
    };

    /// Sums of one pixel: [chunk][step][lane of the block].
    int64_t item_size() const { return int64_t{chunks_} * Patterns::kSteps * plan_.lanes; }
    int64_t* sums(int item, int chunk = 0) const {
        return reinterpret_cast<int64_t*>(sums_.get()) + item * item_size() +
               int64_t{chunk} * Patterns::kSteps * plan_.lanes;
    }

    void run_tile() {
        patterns_.build(items_);
        const auto count = static_cast<int>(items_.size());
        for (int block = task_.first_block; block < task_.end_block; ++block) {
            std::fill_n(sums(0), count * item_size(), int64_t{0});
            for (int part = 0; part < parts_.count(); ++part) {
                take_part(part, block);
                for (int lane = 0; lane < plan_.lanes; lane += kLanes) add_part(part, lane);
            }
            for (int lane = 0; lane < plan_.lanes; lane += kLanes) fire(block * plan_.lanes, lane);
        }
        items_.clear();
    }

    /// A part's weights, those of kLanes outputs together.
    void take_part(int part, int block) {
        const WeightPart of = parts_.at(part);
        const int32_t* from = weights_of(plan_, block * plan_.lanes) + of.first_row(plan_) * plan_.lanes;
        for (int row = 0; row < of.rows(); ++row)
            for (int lane = 0; lane < plan_.lanes; lane += kLanes, from += kLanes)
                std::memcpy(&part_[lane / kLanes * part_lines_ + row], from, sizeof(Line));
    }

    /// For the sums of all pixels.
    void add_part(int part, int lane) {
        const int32_t* const weights = part_[lane / kLanes * part_lines_].lane;
        for (int item = 0; item < static_cast<int>(items_.size()); ++item) {
            const StepPatterns::List* list = patterns_.lists(part, item);
            for (int chunk = 0; chunk < chunks_; ++chunk)
                for (int plane = 0; plane < task_.planes; ++plane, ++list)
                    if ((*list)[Patterns::kCount - 1] != 0) add_list(*list, weights, plane, sums(item, chunk) + lane);
        }
    }

    /// What the rows of a list make in each step of the chunk. No such sum overflows (LayerPlan::part_rows).
    void add_list(StepPatterns::List list, const int32_t* weights, int plane, int64_t* sums) const {
        Ints total[Patterns::kSteps][kVectors] = {};
        [&]<int... pattern>(std::integer_sequence<int, pattern...>) {
            (add_pattern<pattern + 1>(list, weights, total), ...);
        }
        (std::make_integer_sequence<int, Patterns::kCount - 1>());
        for (int step = 0; step < Patterns::kSteps; ++step, sums += plan_.lanes)
            for (int i = 0; i < kVectors; ++i) add_wide(total[step][i], plane, sums + i * kWidth);
    }

    template <int pattern>
    static void add_pattern(StepPatterns::List list, const int32_t* weights,
                            Ints (&total)[Patterns::kSteps][kVectors]) {
        const uint16_t* row = list + Patterns::kCount + list[pattern - 1];
        const uint16_t* const end = list + Patterns::kCount + list[pattern];
        Ints sum[kVectors] = {};
        static_assert(Patterns::kTogether == 4);
        for (; row != end; row += 4)
            for (int i = 0; i < kVectors; ++i) {
                const int32_t* at = weights + i * kWidth;
                sum[i] += (load<Ints>(at + row[0]) + load<Ints>(at + row[1])) +
                          (load<Ints>(at + row[2]) + load<Ints>(at + row[3]));
            }
        for (int step = 0; step < Patterns::kSteps; ++step)
            if (pattern >> step & 1)
                for (int i = 0; i < kVectors; ++i) total[step][i] += sum[i];
    }

    static void add_wide(const Ints& part, int plane, int64_t* sums) {
        alignas(64) int32_t lanes[kWidth];
        store(lanes, part);
        for (int lane = 0; lane < kWidth; ++lane) sums[lane] += int64_t{lanes[lane]} << plane;
    }

    /// The membranes of all pixels.
    void fire(int first_output, int lane) {
        std::vector<Step> steppers;
        for (const auto& [task] : of_sample_) steppers.emplace_back(task, first_output + lane);
        const auto count = static_cast<int>(items_.size());
        for (int first = 0; first < count;) {
            int end = first + 1;
            while (end < count && neighbours(items_[end - 1], items_[end])) ++end;
            const SamplePixel& item = items_[first];
            const int64_t pixel = int64_t{item.row} * plan_.out_width + item.column;
            by_pixels<kPixels>(end - first, [&](auto p, int i) {
                fire_pixels<p.value>(steppers[item.sample], first_output + lane, pixel + i, first + i, lane);
            });
            first = end;
        }
    }

    bool neighbours(const SamplePixel& one, const SamplePixel& next) const {
        const int64_t distance = int64_t{next.row - one.row} * plan_.out_width + next.column - one.column;
        return one.sample == next.sample && distance == 1;
    }

    template <int P>
    void fire_pixels(const Step& stepper, int output, int64_t pixel, int item, int lane) {
        const int64_t pixel_lines = int64_t{chunks_} * Patterns::kSteps;
        for (int p = 0; p < P; ++p)
            for (int64_t step = 0; step < task_.steps; ++step)
                scale(sums(item + p) + step * plan_.lanes + lane, output, &currents_[p * pixel_lines + step]);
        typename Step::State state[P];
        stepper.template run<P>(pixel, 0, task_.steps,
                                {reinterpret_cast<const float*>(currents_.get()), pixel_lines * kLanes, kLanes}, state);
        for (int p = 0; p < P; ++p) stepper.store_counts(pixel + p, state[p]);
    }

    void scale(const int64_t* sums, int output, Line* currents) const {
        alignas(64) float rounded[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) rounded[lane] = static_cast<float>(static_cast<double>(sums[lane]));
        for (int i = 0; i < kLanes; i += kWidth)
            store(currents->lane + i, load<Floats>(rounded + i) * load<Floats>(&plan_.scale[output + i]) +
                                          load<Floats>(&plan_.bias[output + i]));
    }

    const LayerTask& task_;
    const LayerPlan& plan_;
    WeightParts parts_;
    StepPatterns patterns_;
    int chunks_;
    struct SampleTask {  // a type of its own, so that no function of vectors of tasks is shared with other instruction
                         // sets
        LayerTask task;
    };
    std::vector<SampleTask> of_sample_;
    std::vector<SamplePixel> items_;  // of a tile
    int64_t part_lines_;              // and one of zeros
    std::unique_ptr<Line[]> part_;    // weights
    std::unique_ptr<Line[]> sums_, currents_;
};

}  // namespace
}  // namespace spikelens::kernels
