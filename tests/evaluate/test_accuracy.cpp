#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/evaluate/accuracy.h"
#include "spikelens/snn/decision.h"

#include "interpret/memory_samples.h"

namespace spikelens {
namespace {

/// Spikes in memory, [N, T, C, H, W].
class MemorySpikes final : public SampleSource {
  public:
    MemorySpikes(Array<uint8_t> spikes, std::vector<int> labels)
        : spikes_(std::move(spikes)), labels_(std::move(labels)) {}
    int64_t size() const override { return spikes_.extent(0); }
    Shape shape() const override { return {spikes_.shape.begin() + 2, spikes_.shape.end()}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return static_cast<int>(spikes_.extent(1)); }
    FloatArray images(std::span<const int64_t>) const override { return {}; }
    Input input(std::span<const int64_t> indices) const override { return spikes_.select(indices); }
    int label(int64_t index) const override { return labels_[index]; }

  private:
    Array<uint8_t> spikes_;
    std::vector<int> labels_;
    std::vector<std::string> classes_ = {"0", "1", "2"};
};

/// Pixel c speaks for class c; without biases nothing speaks for any class.
Network one_pixel_each(const std::string& text) {
    Network network = parse_network(text, {1, 1, 3}, 4);
    for (Layer& layer : network.layers)
        for (int64_t i = 0; i < 3; ++i) layer.weight.row(i)[i] = 2;
    return network;
}

TEST(Accuracy, AnUndecidedSampleIsWrongWhateverItsLabel) {
    // Images: class 1, class 0 taken for 1, black with each label.
    const FloatArray images({5, 1, 1, 3}, {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    const MemorySamples samples(images, {1, 0, 0, 1, 2}, 3);
    for (const char* text : {"3F-LIF-3F", "3F-LIF-3F-LIF"}) {
        const Accuracy accuracy = measure_accuracy(CpuEngine(one_pixel_each(text)), samples, "test");
        EXPECT_EQ(accuracy.samples, 5) << text;
        EXPECT_EQ(accuracy.correct, 1);
        EXPECT_EQ(accuracy.undecided, 3);
        EXPECT_EQ(accuracy.silent, 3);
        EXPECT_EQ(accuracy.predicted, (std::vector<int>{1, 1, kUndecided, kUndecided, kUndecided}));
        EXPECT_EQ(accuracy.confusion, (Array<int64_t>({3, 3}, {0, 1, 0, 0, 1, 0, 0, 0, 0})));
        EXPECT_EQ(accuracy.confusion_undecided, (std::vector<int64_t>{1, 1, 1}));
    }
}

TEST(Accuracy, ARecordingWithoutEventsIsUndecidedAndSilent) {
    Array<uint8_t> spikes({3, 4, 1, 1, 3});  // samples: one spike of pixel 2 at step 1, none, one of pixel 0 at step 3
    spikes.row(0)[1 * 3 + 2] = 1;
    spikes.row(2)[3 * 3 + 0] = 1;
    const MemorySpikes samples(spikes, {2, 0, 0});
    for (const char* text : {"3F-LIF-3F", "3F-LIF-3F-LIF"}) {
        const Accuracy accuracy = measure_accuracy(CpuEngine(one_pixel_each(text)), samples, "test");
        EXPECT_EQ(accuracy.predicted, (std::vector<int>{2, kUndecided, 0})) << text;
        EXPECT_EQ(accuracy.correct, 2);
        EXPECT_EQ(accuracy.silent, 1);
    }
}

// A class that biases alone name is a prediction, right or wrong; that the input held nothing is said.
TEST(Accuracy, ASilentInputMayBeDecidedByBiases) {
    Network network = one_pixel_each("3F-LIF-3F");
    network.layers.back().bias.data[2] = 1;
    const MemorySamples samples(FloatArray({2, 1, 1, 3}), {2, 0}, 3);
    const Accuracy accuracy = measure_accuracy(CpuEngine(network), samples, "test");
    EXPECT_EQ(accuracy.undecided, 0);
    EXPECT_EQ(accuracy.correct, 1);
    EXPECT_EQ(accuracy.silent, 2);
}

TEST(Accuracy, CountsOverBatchesAndUnlabelledSamples) {
    MemorySamples samples = random_samples(300, {1, 1, 3}, 3, 1);
    samples.labels()[7] = -1;  // no label is not the mark of the undecided
    const Accuracy accuracy = measure_accuracy(CpuEngine(one_pixel_each("3F-LIF-3F")), samples, "test");
    int64_t right = 0;
    for (int64_t n = 0; n < 300; ++n) right += samples.label(n) >= 0 && accuracy.predicted[n] == samples.label(n);
    EXPECT_EQ(accuracy.correct, right);
    const int64_t counted = std::accumulate(accuracy.confusion.data.begin(), accuracy.confusion.data.end(), int64_t{0});
    EXPECT_EQ(counted + accuracy.undecided, 299 + (accuracy.predicted[7] == kUndecided ? 1 : 0));
}

}  // namespace
}  // namespace spikelens
