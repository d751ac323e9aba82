#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/train/outcome.h"

namespace spikelens {
namespace {

/// Grey pictures, each brighter than the one before, with the labels given.
class Greys : public SampleSource {
  public:
    explicit Greys(std::vector<int> labels) : labels_(std::move(labels)) {}

    int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
    Shape shape() const override { return {1, 2, 2}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    FloatArray images(std::span<const int64_t> indices) const override {
        FloatArray result({static_cast<int64_t>(indices.size()), 1, 2, 2});
        for (size_t i = 0; i < indices.size(); ++i)
            for (float& pixel : result.row(static_cast<int64_t>(i)))
                pixel = static_cast<float>(indices[i] + 1) / static_cast<float>(size());
        return result;
    }
    int label(int64_t index) const override { return labels_[index]; }

  private:
    std::vector<int> labels_;
    std::vector<std::string> classes_ = {"a", "b"};
};

/// Every weight 1: each neuron of the first layer receives the sum of what it sees.
Network even_network(std::string_view text) {
    Network network = parse_network(text, {1, 2, 2}, 1);
    initialise_weights(network, 1);
    for (Layer& layer : network.layers) {
        std::ranges::fill(layer.weight.data, 1.0F);
        std::ranges::fill(layer.bias.data, 0.0F);
    }
    return network;
}

std::vector<LayerRate> rates(std::string_view text, int64_t samples, int64_t count) {
    return spike_rates(CpuEngine(even_network(text)), Greys(std::vector(samples, 0)), count);
}

using Names = std::vector<std::string>;
Names silent(std::string_view text, int64_t samples, int64_t count) {
    return silent_layers(rates(text, samples, count));
}

TEST(Outcome, DivergedIsAboveTenTimesIgnorance) {
    EXPECT_DOUBLE_EQ(diverged_loss(10), 10 * std::log(10.0));
    EXPECT_FALSE(diverged({1, std::log(10.0), 0.1, 0}, 10));
    EXPECT_FALSE(diverged({1, 23, 0.1, 0}, 10));
    EXPECT_TRUE(diverged({1, 23.1, 0.1, 0}, 10));
    EXPECT_TRUE(diverged({1, 2e30, 0.1, 0}, 10));
    EXPECT_TRUE(diverged({1, std::numeric_limits<double>::quiet_NaN(), 0.1, 0}, 10));
    EXPECT_FALSE(diverged({1, 0, 1, 0}, 1));
}

TEST(Outcome, ALayerThatNeverSpikesAndAllBehindItAreSilent) {
    EXPECT_EQ(silent("2F-LIF-2F-LIF-2F", 5, 5), Names());
    EXPECT_EQ(silent("2F-LIF-2F-LIF(threshold=100)-2F", 5, 5), Names{"full2"});
    EXPECT_EQ(silent("2F-LIF(threshold=100)-2F-LIF-2F-LIF", 5, 5), (Names{"full1", "full2", "full3"}));
    EXPECT_EQ(silent("2F", 5, 5), Names()) << "a readout does not spike";
}

TEST(Outcome, OneSpikeInAnySampleIsEnough) {
    // Of 100 pictures the last alone, of sum 4, passes a threshold of 3.97.
    EXPECT_EQ(silent("2F-LIF(threshold=3.97)-2F", 100, 100), Names());
    EXPECT_EQ(silent("2F-LIF(threshold=3.97)-2F", 100, 99), Names{"full1"});
    EXPECT_EQ(silent("2F-LIF(threshold=3.97)-2F", 100, 1000), Names());
}

TEST(Outcome, RatesAreSpikesForEachNeuronAndStep) {
    // Pictures have the sums 0.04, 0.08, … 4: of 100, those from the 26th on pass a threshold of 1. All neurons are
    // alike.
    EXPECT_EQ(rates("2F-LIF(threshold=1.02)-2F", 100, 100), (std::vector<LayerRate>{{"full1", 0.75}}));
    EXPECT_EQ(rates("2F-LIF(threshold=1.02)-2F", 100, 50), (std::vector<LayerRate>{{"full1", 0.5}}));
    EXPECT_EQ(rates("2F-LIF(threshold=1.02)-2F-LIF(threshold=1.5)-2F", 100, 100),
              (std::vector<LayerRate>{{"full1", 0.75}, {"full2", 0.75}}));
    EXPECT_EQ(rates("2F", 100, 100), std::vector<LayerRate>());
}

TEST(Outcome, SamplesOfAnotherShapeAreRefused) {
    EXPECT_THROW(spike_rates(CpuEngine(parse_network("2F-LIF-2F", {1, 3, 2}, 1)), Greys({0, 1}), 2), InputError);
}

TEST(Outcome, TheLargestClassIsCounted) {
    EXPECT_EQ(largest_class_share(Greys({0, 1, 1, 0, 1})), 0.6);
    EXPECT_EQ(largest_class_share(Greys({})), 0);
}

}  // namespace
}  // namespace spikelens
