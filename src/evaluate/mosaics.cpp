#include "mosaics.h"

#include <algorithm>
#include <array>
#include <limits>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/core/resize.h"

namespace spikelens {
namespace {

/// Four samples of a mosaic, in row-major order of its quarters, and which of them are of the class.
struct Mosaic {
    std::array<int64_t, 4> samples{};
    std::array<bool, 4> of_class{};
};

/// A sample of the same class, or of another one; `draw` tells the draws apart.
int64_t other_sample(const SampleSource& data, int64_t sample, bool same, const RandomRow& random, uint64_t draw) {
    constexpr uint64_t tries = 1000;
    const int label = data.label(sample);
    for (uint64_t i = 0; i < tries; ++i) {
        const auto drawn =
            static_cast<int64_t>(random.uniform(1 + draw * tries + i) * static_cast<double>(data.size()));
        if (drawn != sample && (data.label(drawn) == label) == same) return drawn;
    }
    for (int64_t next = 1; next < data.size(); ++next) {
        const int64_t index = (sample + next) % data.size();
        if ((data.label(index) == label) == same) return index;
    }
    if (same) return sample;
    throw InputError("mosaics put samples of two classes beside each other, and all samples of this set have one");
}

/// The sample, another of its class and two of others, in a drawn order.
Mosaic draw_mosaic(const SampleSource& data, int64_t sample, uint64_t seed) {
    const auto address = static_cast<uint64_t>(sample);
    const RandomRow random(seed, Stream::mosaics, {address, 0});
    const std::array<int64_t, 4> members = {sample, other_sample(data, sample, true, random, 0),
                                            other_sample(data, sample, false, random, 1),
                                            other_sample(data, sample, false, random, 2)};
    const auto order = random_permutation(4, seed, Stream::mosaics, {address, 1});
    Mosaic mosaic;
    for (size_t i = 0; i < 4; ++i) {
        mosaic.samples[order[i]] = members[i];
        mosaic.of_class[order[i]] = i < 2;
    }
    return mosaic;
}

/// Quarters have half the height and width, rounded down; what is left in the middle stays dark.
struct Quarters {
    int64_t height, width;
    int64_t rows() const { return height / 2; }
    int64_t columns() const { return width / 2; }
    int64_t top(size_t quarter) const { return quarter < 2 ? 0 : height - rows(); }
    int64_t left(size_t quarter) const { return quarter % 2 == 0 ? 0 : width - columns(); }
    bool inside(size_t quarter, int64_t y, int64_t x) const {
        return y >= top(quarter) && y < top(quarter) + rows() && x >= left(quarter) && x < left(quarter) + columns();
    }
};

/// [1, C, H, W]
FloatArray mosaic_of_images(const MetricContext& context, const Mosaic& mosaic) {
    const FloatArray images = context.images(mosaic.samples);
    const Quarters quarters{images.extent(2), images.extent(3)};
    const FloatArray small = resize_bilinear(images, quarters.rows(), quarters.columns());
    FloatArray result({1, images.extent(1), images.extent(2), images.extent(3)});
    const int64_t pixels = quarters.rows() * quarters.columns();
    for (size_t q = 0; q < 4; ++q)
        for (int64_t i = 0; i < small.row_size(); ++i) {
            const int64_t row = i / pixels * quarters.height + quarters.top(q) + i % pixels / quarters.columns();
            result.data[row * quarters.width + quarters.left(q) + i % quarters.columns()] =
                small.row(static_cast<int64_t>(q))[i];
        }
    return result;
}

/// [1, T, C, H, W]; four pixels send their spikes to one.
Array<uint8_t> mosaic_of_recordings(const SampleSource& data, const Mosaic& mosaic) {
    const Array<uint8_t> all = data.input(mosaic.samples).spikes;
    Array<uint8_t> result({1, all.extent(1), all.extent(2), all.extent(3), all.extent(4)});
    const Quarters quarters{all.extent(3), all.extent(4)};
    for (size_t q = 0; q < 4; ++q) {
        const auto from = all.row(static_cast<int64_t>(q));
        for (size_t i = 0; i < from.size(); ++i) {
            const auto place = static_cast<int64_t>(i);
            const int64_t plane = place / (quarters.height * quarters.width);
            const int64_t y = place / quarters.width % quarters.height / 2, x = place % quarters.width / 2;
            if (from[i] == 0 || y >= quarters.rows() || x >= quarters.columns()) continue;
            uint8_t& to =
                result.data[(plane * quarters.height + quarters.top(q) + y) * quarters.width + quarters.left(q) + x];
            to = static_cast<uint8_t>(std::min<int>(std::numeric_limits<uint8_t>::max(), to + from[i]));
        }
    }
    return result;
}

}  // namespace

ExplainedMosaics explain_mosaics(const MetricContext& context, const ExplainedSamples& explained,
                                 const std::string& who, uint64_t seed) {
    const bool recordings = explained.input.spiking() && !context.shown;
    if (!context.data) throw InputError(who + " needs the classes of the samples, and none are given");
    const SampleSource& data = *context.data;
    if (data.shape()[1] < 2 || data.shape()[2] < 2)
        throw InputError(who + " halves the rows and columns of samples, and these have the shape " +
                         shape_text(data.shape()));
    std::vector<Mosaic> mosaics;
    std::vector<int> targets;
    Input input;
    for (const int64_t sample : explained.samples) {
        mosaics.push_back(draw_mosaic(data, sample, seed));
        targets.push_back(data.label(sample));
        if (recordings) {
            input.append(mosaic_of_recordings(data, mosaics.back()));
            continue;
        }
        const FloatArray image = mosaic_of_images(context, mosaics.back());
        input.append(context.shown ? context.shown(image, sample) : Input(image));
    }
    ExplainedMosaics result{pixel_maps(explain(explained.method, context.model, {input, targets, explained.samples}),
                                       explained.method.view),
                            {}};
    const Quarters quarters{result.maps.extent(1), result.maps.extent(2)};
    for (const Mosaic& mosaic : mosaics) {
        std::vector<Place>& places = result.places.emplace_back(result.maps.row_size(), Place::left_out);
        for (int64_t i = 0; i < result.maps.row_size(); ++i)
            for (size_t q = 0; q < 4; ++q)
                if (quarters.inside(q, i / quarters.width, i % quarters.width))
                    places[i] = mosaic.of_class[q] ? Place::inside : Place::outside;
    }
    return result;
}

double share_inside(std::span<const float> map, std::span<const Place> places) {
    double inside = 0, all = 0;
    for (size_t i = 0; i < map.size(); ++i) {
        if (places[i] == Place::left_out) continue;
        const double value = std::max(0.0F, map[i]);
        all += value;
        if (places[i] == Place::inside) inside += value;
    }
    return all > 0 ? inside / all : 0.5;
}

}  // namespace spikelens
