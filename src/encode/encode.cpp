#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/random.h"
#include "spikelens/encode/coding.h"

#include "check_coding.h"

namespace spikelens {
namespace {

void check_choice(const Coding& coding, int steps) {
    if (coding.kind == CodingKind::direct)
        throw InputError("direct coding makes no spikes: the image itself is the input");
    check_coding(coding);
    if (steps < 1) throw InputError("a coder needs at least 1 step, not " + std::to_string(steps));
}

void check_images(const FloatArray& images, size_t samples) {
    if (images.shape.size() != 4)
        throw InputError("a coder needs images [N, C, H, W], not of shape " + shape_text(images.shape));
    if (static_cast<int64_t>(samples) != images.extent(0))
        throw InputError(std::to_string(images.extent(0)) + " images came with " + std::to_string(samples) +
                         " sample numbers");
    for (const float value : images.data)
        if (!(value >= 0 && value <= 1))
            throw InputError("a coder needs values from 0 to 1, but an image holds " + std::to_string(value));
}

/// Where one sample's spikes go, [T, C, H, W]: at(t) is its [C, H, W] of step t.
struct SampleSpikes {
    std::span<uint8_t> values;
    int64_t steps, pixels;

    uint8_t* at(int64_t t) const { return values.data() + t * pixels; }
};

void encode_rate(std::span<const float> image, uint64_t seed, uint64_t sample, const SampleSpikes& spikes) {
    for (int64_t t = 0; t < spikes.steps; ++t) {
        uint8_t* const out = spikes.at(t);
        const RandomRow draws(seed, Stream::coding, {sample, static_cast<uint64_t>(t)});
        for (uint64_t p = 0; p < image.size(); ++p)  // black is most of many images: no draw is below 0
            out[p] = image[p] > 0 && draws.uniform(p) < image[p];
    }
}

// The step of a pixel's spike; none when it is not below the number of steps.
double spike_time(double x, const Coding& coding, double steps) {
    if (!coding.logarithmic) return x > 0 ? std::round((steps - 1) * (1 - x)) : steps;
    return x > coding.x_min ? std::round(coding.tau * std::log(x / (x - coding.x_min))) : steps;
}

void encode_latency(std::span<const float> image, const Coding& coding, const SampleSpikes& spikes) {
    const auto steps = static_cast<double>(spikes.steps);
    for (size_t p = 0; p < image.size(); ++p) {
        const double t = spike_time(image[p], coding, steps);
        if (t < steps) spikes.at(static_cast<int64_t>(t))[p] = 1;
    }
}

// The image stands still, so its spikes are the first ones there can be: the k-th rises the reconstruction to k·step.
void encode_delta(std::span<const float> image, const Coding& coding, const SampleSpikes& spikes) {
    for (size_t p = 0; p < image.size(); ++p)
        for (int64_t t = 0;
             t < spikes.steps && static_cast<float>(static_cast<double>(t + 1) * coding.step) <= image[p]; ++t)
            spikes.at(t)[p] = 1;
}

}  // namespace

Array<uint8_t> encode(const FloatArray& images, const Coding& coding, int steps, uint64_t seed,
                      std::span<const int64_t> samples, const Execution& execution) {
    check_choice(coding, steps);
    check_images(images, samples.size());
    Shape shape = images.shape;
    shape.insert(shape.begin() + 1, steps);
    Array<uint8_t> spikes(shape);
    parallel_for(images.extent(0), execution, [&](int64_t n, int) {
        const SampleSpikes out{spikes.row(n), steps, images.row_size()};
        if (coding.kind == CodingKind::rate) encode_rate(images.row(n), seed, static_cast<uint64_t>(samples[n]), out);
        if (coding.kind == CodingKind::latency) encode_latency(images.row(n), coding, out);
        if (coding.kind == CodingKind::delta) encode_delta(images.row(n), coding, out);
    });
    return spikes;
}

Coder coder_of(const Coding& coding, int steps, uint64_t seed, const Execution& execution) {
    check_choice(coding, steps);
    return {steps, [=](const FloatArray& images, std::span<const int64_t> addresses) {
                return encode(images, coding, steps, seed, addresses, execution);
            }};
}

}  // namespace spikelens
