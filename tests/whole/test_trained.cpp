// What must hold on a trained network and real images, and not only on random ones.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/core/sample_sets.h"
#include "spikelens/data/dataset.h"
#include "spikelens/snn/engine.h"
#include "spikelens/train/train.h"

#include "kernels/dispatch.h"

namespace spikelens {
namespace {

struct Trained {
    std::shared_ptr<const SampleSource> images = load_dataset("fashion-mnist").train;
    Network network = parse_network("16C3-LIF-MP2-20C3-LIF-MP2-32F-LIF-10F", {1, 28, 28}, 10);

    Trained() {
        network.classes = images->classes();
        initialise_weights(network, 1);
        TrainOptions options;
        options.epochs = 1;
        options.learning_rate = 0.1;
        TrainState state;
        train(network, FirstSamples(*images, 1500), options, state, {});
    }

    FloatArray some(int64_t first, int64_t count) const {
        std::vector<int64_t> indices(count);
        std::iota(indices.begin(), indices.end(), first);
        return images->images(indices);
    }
};

const Trained& trained() {
    static const Trained shared;
    return shared;
}

FloatArray rows(const FloatArray& all, const std::vector<int64_t>& order) {
    FloatArray picked({static_cast<int64_t>(order.size()), all.shape[1], all.shape[2], all.shape[3]});
    for (size_t i = 0; i < order.size(); ++i)
        std::ranges::copy(all.row(order[i]), picked.row(static_cast<int64_t>(i)).begin());
    return picked;
}

/// Everything a simulation says of 1,000 images, in batches of this size and in this order, put back in the first
/// order.
struct Whole {
    std::vector<float> scores;
    std::vector<uint16_t> counts;
    bool operator==(const Whole&) const = default;
};

Whole simulate(const CpuEngine& simulator, const FloatArray& images, int64_t batch, const std::vector<int64_t>& order) {
    Whole whole;
    const auto total = static_cast<int64_t>(order.size());
    const RecordRequest request{.layers = {0, 1, 2}, .counts = true};
    std::vector<std::vector<float>> scores(total);
    std::vector<std::vector<uint16_t>> counts(total);
    for (int64_t first = 0; first < total; first += batch) {
        const std::vector<int64_t> part(order.begin() + first, order.begin() + std::min(total, first + batch));
        const Recording recording = simulator.run(rows(images, part), request);
        for (size_t i = 0; i < part.size(); ++i) {
            const auto row = recording.scores.row(static_cast<int64_t>(i));
            scores[part[i]].assign(row.begin(), row.end());
            for (const LayerRecording& layer : recording.layers) {
                const auto of_layer = layer.counts.row(static_cast<int64_t>(i));
                counts[part[i]].insert(counts[part[i]].end(), of_layer.begin(), of_layer.end());
            }
        }
    }
    for (int64_t n = 0; n < total; ++n) {
        whole.scores.insert(whole.scores.end(), scores[n].begin(), scores[n].end());
        whole.counts.insert(whole.counts.end(), counts[n].begin(), counts[n].end());
    }
    return whole;
}

TEST(Trained, TheSameBytesForKernelsThreadsBatchesAndOrders) {
    const FloatArray images = trained().some(2000, 1000);
    std::vector<int64_t> straight(1000);
    std::iota(straight.begin(), straight.end(), 0);
    const std::vector<int64_t> shuffled = random_permutation(1000, 5, Stream::test, {1});
    const Whole expected =
        simulate(CpuEngine(trained().network, {.threads = 1, .kernel = "portable"}), images, 1000, straight);
    EXPECT_GT(std::accumulate(expected.counts.begin(), expected.counts.end(), int64_t{0}), 100000);
    for (const std::string& kernel : kernels::supported_kernels()) {
        if (kernel == "scalar") continue;  // a hundred images below
        for (int threads : {1, 2, 4})
            for (int64_t batch : {1, 7, 64, 1000}) {
                const CpuEngine simulator(trained().network, {.threads = threads, .kernel = kernel});
                EXPECT_EQ(simulate(simulator, images, batch, batch == 7 ? shuffled : straight), expected)
                    << kernel << ", " << threads << " threads, batches of " << batch;
            }
    }
    const std::vector<int64_t> hundred(straight.begin(), straight.begin() + 100);
    EXPECT_EQ(simulate(CpuEngine(trained().network, {.threads = 2, .kernel = "scalar"}), images, 100, hundred),
              simulate(CpuEngine(trained().network, {.threads = 2, .kernel = ""}), images, 7, hundred));
}

}  // namespace
}  // namespace spikelens
