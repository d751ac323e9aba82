#pragma once

#include <cstdint>
#include <span>

namespace spikelens {

/// What a group of samples adds to the epoch's record.
struct BatchRecord {
    double loss = 0;  ///< sum of the cross-entropies
    int64_t correct = 0;

    BatchRecord& operator+=(const BatchRecord& other) {
        loss += other.loss;
        correct += other.correct;
        return *this;
    }
};

/// Cross-entropy −log softmax(score)[label] of each row of scores [N, classes]; `gradient` becomes
/// (softmax(score) − one-hot(label)) · weight. The sum is in double, in order.
BatchRecord cross_entropy(std::span<const float> scores, std::span<const int> labels, double weight,
                          std::span<float> gradient);

}  // namespace spikelens
