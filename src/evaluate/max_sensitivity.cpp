#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {
namespace {

constexpr double kLeastChange = 1e-6;  ///< of a cause: what changes less counts as changed by so much

void check_request(const Input& input, size_t samples, const SensitivityOptions& options) {
    const size_t axes = input.spiking() ? 5 : 4;
    if (input.shape().size() != axes || element_count(input.shape()) == 0)
        throw InputError("sensitivity needs images [N, C, H, W] or spikes [N, T, C, H, W], not of shape " +
                         shape_text(input.shape()));
    if (input.spiking() && input.steps() < 2)
        throw InputError("sensitivity moves spikes in time, but these have a single step");
    if (static_cast<int64_t>(samples) != input.samples())
        throw InputError(std::to_string(input.samples()) + " inputs came with " + std::to_string(samples) +
                         " sample numbers");
    for (const float value : input.images.data)
        if (!std::isfinite(value)) throw InputError("sensitivity: an image holds a value that is not finite");
    if (!(options.radius > 0 && options.radius <= 1))
        throw InputError("the radius of sensitivity must be above 0 and at most 1, not " +
                         std::to_string(options.radius));
    if (options.draws < 1) throw InputError("sensitivity needs at least 1 draw, not " + std::to_string(options.draws));
}

/// A draw of one sample's perturbation.
struct Draw {
    uint64_t seed, sample, number;

    double uniform(SampleDraw purpose, uint64_t index) const {
        return random_uniform(seed, Stream::sampling, {static_cast<uint64_t>(purpose), sample, number, index});
    }
    std::vector<int64_t> order(SampleDraw purpose, int64_t count) const {
        return random_permutation(count, seed, Stream::sampling, {static_cast<uint64_t>(purpose), sample, number});
    }
};

// Pixels are in [0, 1]. Of an image that has other values each channel's own range stands for it.
void add_noise(std::span<float> image, int64_t channels, double radius, const Draw& draw) {
    const bool pixels = std::ranges::all_of(image, [](float value) { return value >= 0 && value <= 1; });
    const size_t size = image.size() / channels;
    for (size_t first = 0; first < image.size(); first += size) {
        const auto [least, largest] = std::ranges::minmax(image.subspan(first, size));
        const double low = pixels ? 0 : least, high = pixels ? 1 : largest;
        for (size_t i = first; i < first + size; ++i) {
            const double noise = radius * (high - low) * (2 * draw.uniform(SampleDraw::image_noise, i) - 1);
            image[i] = static_cast<float>(std::clamp(image[i] + noise, low, high));
        }
    }
}

// The place of each single spike of a recording.
std::vector<int64_t> single_spikes(std::span<const uint8_t> spikes) {
    std::vector<int64_t> places;
    for (size_t i = 0; i < spikes.size(); ++i) places.insert(places.end(), spikes[i], static_cast<int64_t>(i));
    return places;
}

// Of a recording of so many steps.
void move_spikes(std::span<uint8_t> spikes, int64_t steps, double radius, const Draw& draw) {
    const std::vector<int64_t> places = single_spikes(spikes);
    const int64_t per_step = static_cast<int64_t>(spikes.size()) / steps;
    const auto total = static_cast<int64_t>(places.size());
    if (total == 0) return;
    const std::vector<int64_t> order = draw.order(SampleDraw::moved_spikes, total);
    const int64_t moved = std::max<int64_t>(1, std::llround(radius * static_cast<double>(total)));
    for (int64_t i = 0; i < moved; ++i) {
        const int64_t from = places[order[i]], t = from / per_step;
        const bool later = t == 0 || (t + 1 < steps && draw.uniform(SampleDraw::direction, order[i]) < 0.5);
        const int64_t to = later ? from + per_step : from - per_step;
        if (spikes[to] == std::numeric_limits<uint8_t>::max()) continue;
        --spikes[from];
        ++spikes[to];
    }
}

Input perturbed(const Input& input, std::span<const int64_t> samples, const SensitivityOptions& options, int number) {
    Input result = input;
    for (int64_t n = 0; n < input.samples(); ++n) {
        const Draw draw{options.seed, static_cast<uint64_t>(samples[n]), static_cast<uint64_t>(number)};
        if (input.spiking()) {
            move_spikes(result.spikes.row(n), input.steps(), options.radius, draw);
        } else {
            add_noise(result.images.row(n), input.images.extent(1), options.radius, draw);
        }
    }
    return result;
}

FloatArray checked_maps(const MapFunction& maps, const Input& input) {
    FloatArray result = maps(input);
    if (result.shape.size() != 3 || result.extent(0) != input.samples())
        throw InputError("the map function gave shape " + shape_text(result.shape) + " for " +
                         std::to_string(input.samples()) + " inputs, expected one map [H, W] for each");
    for (const float value : result.data)
        if (!std::isfinite(value)) throw InputError("sensitivity: a map holds a value that is not finite");
    return result;
}

// ‖b − a‖ / ‖a‖.
double relative_change(std::span<const float> a, std::span<const float> b) {
    double change = 0, size = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double before = a[i], difference = b[i] - before;
        change += difference * difference;
        size += before * before;
    }
    if (size > 0) return std::sqrt(change / size);
    return change > 0 ? std::numeric_limits<double>::infinity() : 0;
}

}  // namespace

std::vector<double> sensitivity(const Input& input, std::span<const int64_t> samples, const MapFunction& maps,
                                const SensitivityOptions& options) {
    return relative_stability(input, samples, maps, {}, options);
}

std::vector<double> relative_stability(const Input& input, std::span<const int64_t> samples, const MapFunction& maps,
                                       const MapFunction& cause, const SensitivityOptions& options) {
    check_request(input, samples.size(), options);
    const FloatArray plain = checked_maps(maps, input), plain_cause = cause ? cause(input) : FloatArray();
    std::vector<double> largest(samples.size());
    for (int draw = 0; draw < options.draws; ++draw) {
        const Input moved = perturbed(input, samples, options, draw);
        const FloatArray changed = checked_maps(maps, moved), changed_cause = cause ? cause(moved) : FloatArray();
        if (changed.shape != plain.shape)
            throw InputError("the map function gave shapes " + shape_text(plain.shape) + " and " +
                             shape_text(changed.shape) + " for inputs of one shape");
        for (int64_t n = 0; n < input.samples(); ++n) {
            const double per =
                cause ? std::max(relative_change(plain_cause.row(n), changed_cause.row(n)), kLeastChange) : 1;
            largest[n] = std::max(largest[n], relative_change(plain.row(n), changed.row(n)) / per);
        }
    }
    return largest;
}

}  // namespace spikelens
