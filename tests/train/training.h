#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "spikelens/train/train.h"

#include "snn/reference_network.h"

namespace spikelens::testing {

/// Noisy pictures of a bright half: class 0 above, class 1 below, class 2 left.
class Halves : public SampleSource {
  public:
    explicit Halves(int64_t count) : images_({count, 1, 6, 6}, random_values(count * 36, 0, 0.4F, 23)) {
        for (int64_t n = 0; n < count; ++n) {
            labels.push_back(static_cast<int>(n % 3));
            for (int pixel = 0; pixel < 36; ++pixel)
                if (bright(labels.back(), pixel / 6, pixel % 6)) images_.row(n)[pixel] += 0.6F;
        }
    }

    int64_t size() const override { return images_.extent(0); }
    Shape shape() const override { return {1, 6, 6}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    FloatArray images(std::span<const int64_t> indices) const override {
        FloatArray result({static_cast<int64_t>(indices.size()), 1, 6, 6});
        for (size_t i = 0; i < indices.size(); ++i) std::ranges::copy(images_.row(indices[i]), result.row(i).begin());
        return result;
    }
    int label(int64_t index) const override { return labels[index]; }

    std::vector<int> labels;

  private:
    static bool bright(int label, int row, int column) {
        return label == 0 ? row < 3 : label == 1 ? row >= 3 : column < 3;
    }

    FloatArray images_;
    std::vector<std::string> classes_ = {"above", "below", "left"};
};

inline std::vector<FloatArray> parameters(const Network& network) {
    std::vector<FloatArray> all;
    for (const Layer& layer : network.layers) {
        all.push_back(layer.weight);
        if (layer.has_bias) all.push_back(layer.bias);
    }
    return all;
}

/// Where a training was stopped.
struct Stop {
    Network network;
    TrainState state;
};

class Training : public ::testing::Test {
  protected:
    Halves samples{30};
    Network network = lively_network("4C3-LIF-MP2-6F-LIF-3F", {1, 6, 6}, 4, 1);
    TrainOptions options;
    TrainState state;

    void SetUp() override {
        options.epochs = 1;
        options.batch = 30;
        options.surrogate = parse_surrogate("triangle(0.9)");
    }

    void run() { train(network, samples, options, state, nullptr); }

    /// Another training ended as this one: in the same bits, but for seconds.
    void expect_same_end(const Stop& other) const {
        EXPECT_EQ(parameters(other.network), parameters(network));
        EXPECT_EQ(other.state.momentum, state.momentum);
        EXPECT_EQ(other.state.epochs_done, state.epochs_done);
        EXPECT_EQ(other.state.part.samples, 0);
        ASSERT_EQ(other.state.history.size(), state.history.size());
        for (size_t i = 0; i < state.history.size(); ++i) {
            EXPECT_EQ(other.state.history[i].epoch, state.history[i].epoch);
            EXPECT_EQ(other.state.history[i].loss, state.history[i].loss);
            EXPECT_EQ(other.state.history[i].accuracy, state.history[i].accuracy);
        }
    }

    /// The first step's gradient: v = g when momentum starts from zero.
    std::vector<FloatArray> gradient_of(Network copy, TrainOptions with) const {
        TrainState fresh;
        with.momentum = 0;
        train(copy, samples, with, fresh, nullptr);
        return fresh.momentum;
    }

    /// Slope of the mean cross-entropy along the direction the reference's duals carry.
    Dual reference_loss(const ReferenceNetwork& reference) const {
        Dual loss;
        for (int64_t n = 0; n < samples.size(); ++n) {
            const FloatArray image = samples.images(std::vector{n});
            const auto scores = reference.scores(std::vector(network.steps, ReferenceNetwork::to_duals(image.data)));
            double sum = 0, slope = 0;
            for (const Dual& score : scores) {
                sum += std::exp(score.value);
                slope += std::exp(score.value) * score.slope;
            }
            const Dual own = scores[samples.label(n)];
            loss = loss + Dual{std::log(sum) - own.value, slope / sum - own.slope};
        }
        return (1.0 / static_cast<double>(samples.size())) * loss;
    }

    void expect_slopes(std::vector<Dual>& along, ReferenceNetwork& reference, const FloatArray& gradient) const {
        double largest = 0;
        for (size_t i = 0; i < along.size(); ++i) {
            along[i].slope = 1;
            const double slope = reference_loss(reference).slope;
            along[i].slope = 0;
            largest = std::max(largest, std::abs(slope));
            ASSERT_NEAR(gradient.data[i], slope, 2e-6) << "parameter " << i;
        }
        EXPECT_GT(largest, 1e-3) << "nothing was tested: the gradient is zero";
    }
};

}  // namespace spikelens::testing
