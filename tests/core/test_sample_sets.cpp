#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/core/sample_sets.h"
#include "spikelens/encode/coding.h"

namespace spikelens {
namespace {

FloatArray random_images() {
    FloatArray images({4, 1, 3, 3});
    for (int64_t i = 0; i < images.size(); ++i)
        images.data[i] = static_cast<float>(random_uniform(8, Stream::test, {static_cast<uint64_t>(i)}));
    return images;
}

/// Four images, or recordings when it says so.
class FourSamples : public SampleSource {
  public:
    explicit FourSamples(int steps = 0) : steps_(steps) {}
    int64_t size() const override { return 4; }
    Shape shape() const override { return {1, 3, 3}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return steps_; }
    FloatArray images(std::span<const int64_t> indices) const override { return all_.select(indices); }
    int label(int64_t index) const override { return static_cast<int>(index % 2); }

  private:
    int steps_;
    FloatArray all_ = random_images();
    std::vector<std::string> classes_{"even", "odd"};
};

TEST(CodedSamples, AreTheImagesAsTheCoderShowsThem) {
    const auto images = std::make_shared<FourSamples>();
    const CodedSamples coded(images, coder_of(parse_coding("rate"), 5, 3), 1000);
    EXPECT_EQ(coded.size(), 4);
    EXPECT_EQ(coded.shape(), (Shape{1, 3, 3}));
    EXPECT_EQ(coded.classes(), images->classes());
    EXPECT_EQ(coded.steps(), 5);
    EXPECT_EQ(coded.label(3), 1);
    const std::vector<int64_t> indices{2, 0, 2}, addresses{1002, 1000, 1002};
    EXPECT_EQ(coded.images(indices), images->images(indices));
    const Input input = coded.input(indices);
    ASSERT_TRUE(input.spiking());
    EXPECT_EQ(input.samples(), 3);
    EXPECT_EQ(input.spikes, encode(images->images(indices), parse_coding("rate"), 5, 3, addresses));
    const CodedSamples other(images, coder_of(parse_coding("rate"), 5, 3), 60000);
    EXPECT_NE(other.input(indices), input);
}

TEST(CodedSamples, BadRequestsGetASentence) {
    EXPECT_THROW(coder_of(parse_coding("rate"), 0, 1), InputError);
    EXPECT_THROW(coder_of({CodingKind::delta, false, 5, 0.05, 2}, 5, 1), InputError);
    EXPECT_THROW(coder_of(Coding{}, 5, 1), InputError);
    EXPECT_THROW(CodedSamples(std::make_shared<FourSamples>(6), coder_of(parse_coding("rate"), 5, 1)), InputError);
}

TEST(FirstSamples, AreTheFirstOfAllInEveryWay) {
    const FourSamples all;
    const FirstSamples two(all, 2);
    EXPECT_EQ(two.size(), 2);
    EXPECT_EQ(two.label(1), all.label(1));
    EXPECT_EQ(two.shape(), all.shape());
    EXPECT_EQ(two.classes(), all.classes());
    const std::vector<int64_t> indices = {1, 0};
    EXPECT_EQ(two.images(indices), all.images(indices));
    EXPECT_EQ(FirstSamples(all, 5).size(), 4);
    EXPECT_EQ(FirstSamples(all, 0).size(), 0);
    EXPECT_THROW(FirstSamples(all, -1), InputError);
    const CodedSamples coded(std::make_shared<FourSamples>(), coder_of(parse_coding("rate"), 5, 3));
    const FirstSamples spikes(coded, 2);
    EXPECT_EQ(spikes.steps(), 5);
    EXPECT_EQ(spikes.input(indices), coded.input(indices));
}

}  // namespace
}  // namespace spikelens
