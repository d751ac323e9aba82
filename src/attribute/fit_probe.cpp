#include <algorithm>
#include <optional>

#include "spikelens/attribute/probe.h"
#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "cholesky.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

constexpr int64_t kImagesAtOnce = 256;
constexpr int64_t kRowsTogether =
    32;  ///< of the Gram matrix, updated by one thread while a sample's counts are in cache
constexpr double kRelativePenalty = 0.1;

/// Sums over samples of pooled counts P and scores y. Counts are whole numbers, so these sums are exact.
struct Sums {
    DoubleArray gram;    ///< Σ P·Pᵀ [F, F], upper triangle
    DoubleArray counts;  ///< Σ P [F]
    DoubleArray cross;   ///< Σ y·Pᵀ [classes, F]

    Sums(int64_t inputs, int64_t classes) : gram({inputs, inputs}), counts({inputs}), cross({classes, inputs}) {}

    void add(const Array<uint16_t>& pooled, const FloatArray& scores, const Execution& execution) {
        const int64_t inputs = counts.size();
        const DoubleArray values(pooled.shape, std::vector<double>(pooled.data.begin(), pooled.data.end()));
        for (int64_t n = 0; n < pooled.shape[0]; ++n) {
            const auto row = values.row(n);
            for (int64_t i = 0; i < inputs; ++i) counts.data[i] += row[i];
            for (int64_t c = 0; c < scores.shape[1]; ++c) add_scaled(scores.row(n)[c], row, cross.row(c));
        }
        parallel_for((inputs + kRowsTogether - 1) / kRowsTogether, execution, [&](int64_t part, int) {
            const int64_t end = std::min((part + 1) * kRowsTogether, inputs);
            for (int64_t n = 0; n < pooled.shape[0]; ++n) {
                const auto row = values.row(n);
                for (int64_t i = part * kRowsTogether; i < end; ++i)
                    if (row[i] != 0) add_scaled(row[i], row.subspan(i), gram.row(i).subspan(i));
            }
        });
    }

  private:
    static void add_scaled(double scale, std::span<const double> values, std::span<double> sum) {
        double* __restrict out = sum.data();
        for (size_t i = 0; i < values.size(); ++i) out[i] += scale * values[i];
    }
};

/// Of Σ (P − P̄)(P − P̄)ᵀ + penalty; none when the counts never differed.
std::optional<Cholesky> factored(Sums& sums, double samples, const Execution& execution) {
    DoubleArray gram = std::move(sums.gram);
    const int64_t inputs = gram.extent(0);
    double trace = 0;
    for (int64_t i = 0; i < inputs; ++i) {
        for (int64_t j = 0; j <= i; ++j)
            gram.row(i)[j] = gram.row(j)[i] - sums.counts.data[i] * sums.counts.data[j] / samples;
        trace += gram.row(i)[i];
    }
    if (trace <= 0) return std::nullopt;
    for (int64_t i = 0; i < inputs; ++i) gram.row(i)[i] += kRelativePenalty * trace / static_cast<double>(inputs);
    return Cholesky(std::move(gram), execution);
}

Probe::Reading solved(int layer, Sums& sums, std::span<const double> scores, double samples,
                      const Execution& execution) {
    const auto classes = static_cast<int64_t>(scores.size()), inputs = sums.counts.size();
    Probe::Reading reading{layer, FloatArray({classes, inputs}), FloatArray({classes})};
    const std::optional<Cholesky> gram = factored(sums, samples, execution);
    for (int64_t c = 0; c < classes; ++c) {
        const double mean = scores[c] / samples;
        std::vector<double> weight(inputs);
        for (int64_t i = 0; gram && i < inputs; ++i) weight[i] = sums.cross.row(c)[i] - mean * sums.counts.data[i];
        if (gram) gram->solve(weight);
        double explained = 0;
        for (int64_t i = 0; i < inputs; ++i) {
            explained += weight[i] * sums.counts.data[i] / samples;
            reading.weight.row(c)[i] = static_cast<float>(weight[i]);
        }
        reading.intercept.data[c] = static_cast<float>(mean - explained);
    }
    return reading;
}

void check_source(const Network& network, const SampleSource& source, int64_t samples) {
    if (source.steps() != 0) throw InputError("probes are fitted to images, and these samples are spikes");
    if (source.shape() != network.input_shape())
        throw InputError("the images have shape " + shape_text(source.shape()) + ", but the network expects " +
                         shape_text(network.input_shape()));
    if (samples < 1 || samples > source.size())
        throw InputError("a probe can be fitted to 1 to " + std::to_string(source.size()) +
                         " images of this data set, not " + std::to_string(samples));
}

int64_t pooled_counts(const Layer& layer) {
    return int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width;
}

std::vector<Sums> empty_sums(const Network& network, const std::vector<int>& layers) {
    std::vector<Sums> sums;
    for (int index : layers) sums.emplace_back(pooled_counts(network.layers[index]), network.class_count());
    return sums;
}

/// Numbers first … first + count − 1 of `samples` spread evenly over a source of this size.
std::vector<int64_t> spread(int64_t first, int64_t count, int64_t samples, int64_t size) {
    std::vector<int64_t> indices;
    for (int64_t i = first; i < first + count; ++i) indices.push_back(i * size / samples);
    return indices;
}

}  // namespace

void check_probe(const Network& network, const SampleSource& source, int64_t samples) {
    check_source(network, source, samples);
    for (int index : filter_layers(network, "probe"))
        if (const int64_t inputs = pooled_counts(network.layers[index]); inputs > kMostProbeInputs)
            throw InputError("layer " + network.layers[index].name + " has " + std::to_string(inputs) +
                             " pooled counts, and a probe takes at most " + std::to_string(kMostProbeInputs));
}

Probe fit_probe(const Engine& engine, const SampleSource& source, int64_t samples) {
    const Network& network = engine.network();
    const std::vector<int> layers = filter_layers(network, "probe");
    check_probe(network, source, samples);
    std::vector<Sums> sums = empty_sums(network, layers);
    std::vector<double> scores(network.class_count());
    for (int64_t first = 0; first < samples; first += kImagesAtOnce) {
        const int64_t count = std::min(kImagesAtOnce, samples - first);
        const Input images = source.input(spread(first, count, samples, source.size()));
        const Recording recording = engine.run(images, {.layers = layers, .pooled_counts = true});
        for (size_t l = 0; l < layers.size(); ++l)
            sums[l].add(recording.layer(layers[l]).pooled_counts, recording.scores, engine.execution());
        for (int64_t i = 0; i < recording.scores.size(); ++i)
            scores[i % network.class_count()] += recording.scores.data[i];
        engine.execution().report("probes", first + count, samples);
    }
    Probe probe;
    probe.samples = samples;
    for (size_t l = 0; l < layers.size(); ++l)
        probe.readings.push_back(solved(layers[l], sums[l], scores, static_cast<double>(samples), engine.execution()));
    return probe;
}

}  // namespace spikelens
