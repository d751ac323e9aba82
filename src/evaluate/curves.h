#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

/// Throws InputError unless each of `count` inputs has a target and a sample number. `noun` names an input: "image".
void check_counts(int64_t count, size_t targets, size_t samples, const std::string& noun);

/// Softmax probability of wanted[i] in row i of the scores. Throws InputError unless every input has a row, every one
/// of all `targets` a column, and every score is finite.
std::vector<double> probabilities(const FloatArray& scores, std::span<const int> wanted, std::span<const int> targets,
                                  const std::string& noun);

/// The result of the samples' curves, one after another, each of so many points.
MetricResult collect_curves(std::span<const double> probabilities, int64_t samples, int64_t points);

/// One sample on its way from the first input of its series to the last: place p is the values p, p + stride, …
template <class T>
class Series {
  public:
    Series(std::span<const T> from, std::span<const T> to, std::vector<int64_t> order, int64_t stride)
        : current_(from.begin(), from.end()), goal_(to), order_(std::move(order)), stride_(stride) {}

    std::span<const T> input() const { return current_; }

    /// Takes every place before `end` in the order from the goal.
    void advance_to(int64_t end) {
        for (; done_ < std::min(end, static_cast<int64_t>(order_.size())); ++done_)
            for (size_t i = order_[done_]; i < current_.size(); i += stride_) current_[i] = goal_[i];
    }

  private:
    std::vector<T> current_;
    std::span<const T> goal_;
    std::vector<int64_t> order_;
    int64_t stride_;
    int64_t done_ = 0;
};

/// Collects perturbed inputs until a batch is full, scores it, and writes down the targets' probabilities in order.
template <class T>
class BatchScorer {
  public:
    /// Scores of `count` inputs, their values one input after another.
    using Score = std::function<FloatArray(std::span<const T> values, int64_t count)>;

    BatchScorer(Score score, std::span<const int> targets, int64_t max_batch, std::string noun)
        : score_(std::move(score)), targets_(targets), max_batch_(max_batch), noun_(std::move(noun)) {}

    void add(std::span<const T> input, int target) {
        values_.insert(values_.end(), input.begin(), input.end());
        waiting_.push_back(target);
        if (static_cast<int64_t>(waiting_.size()) == max_batch_) flush();
    }

    std::vector<double> finish() {
        if (!waiting_.empty()) flush();
        return std::move(probabilities_);
    }

  private:
    void flush() {
        const FloatArray scores = score_(values_, static_cast<int64_t>(waiting_.size()));
        const std::vector<double> batch = probabilities(scores, waiting_, targets_, noun_);
        probabilities_.insert(probabilities_.end(), batch.begin(), batch.end());
        values_.clear();
        waiting_.clear();
    }

    Score score_;
    std::span<const int> targets_;
    int64_t max_batch_;
    std::string noun_;
    std::vector<T> values_;
    std::vector<int> waiting_;
    std::vector<double> probabilities_;
};

}  // namespace spikelens
