// How many spikes and predictions does the exact simulation change against float64, and how many does plain float32?
// README.md has the question, machine and answer.  usage: bench_precision RUN/model.safetensors DATA [IMAGES]
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "spikelens/core/error.h"
#include "spikelens/data/dataset.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/snn/simulate.h"

#include "train/torch/torch_network.h"

namespace {

using namespace spikelens;

/// Spikes of every layer and the scores of one image, layer by layer in one arithmetic; what this project uses for
/// neither.
struct Activity {
    std::vector<at::Tensor> spikes;  // [T, C, H, W]
    at::Tensor scores;
};

at::Tensor weighted(const Layer& layer, const at::Tensor& input, at::ScalarType type) {
    const at::Tensor weight = view_of(layer.weight.data.data(), layer.weight.shape).to(type);
    const at::Tensor bias = layer.has_bias ? view_of(layer.bias.data.data(), layer.bias.shape).to(type) : at::Tensor();
    if (layer.kind == LayerKind::conv) return at::conv2d(input, weight, bias, layer.stride, layer.padding);
    return at::linear(input.flatten(1), weight, bias);
}

Activity simulate(const Network& network, const at::Tensor& image, at::ScalarType type) {
    Activity activity;
    at::Tensor input = image.to(type);
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const Layer& layer = network.layers[l];
        at::Tensor current = weighted(layer, input, type);
        if (!layer.neuron) {
            activity.scores = current.mean(0);
            return activity;
        }
        const bool usual = layer.neuron->reset == Reset::subtract && !layer.neuron->delay && layer.neuron->gain == 1 &&
                           !layer.neuron->decay_input && layer.neuron->alpha == 0 &&
                           layer.pool.kind != PoolKind::average;
        if (!usual) throw InputError("bench_precision knows reset by subtraction and max-pooling alone");
        at::Tensor u = at::zeros_like(current[0]);
        std::vector<at::Tensor> steps;
        for (int t = 0; t < network.steps; ++t) {
            u = u * layer.neuron->beta + current[l == 0 ? 0 : t];
            const at::Tensor spike = u.gt(layer.neuron->threshold).to(type);
            u = u - spike * layer.neuron->threshold;
            steps.push_back(spike);
        }
        input = at::stack(steps);
        activity.spikes.push_back(input);
        if (layer.pool.kind == PoolKind::max) input = at::max_pool2d(input, layer.pool.size, layer.pool.stride);
    }
    activity.scores = input.flatten(1).mean(0);
    return activity;
}

int64_t differing(const at::Tensor& a, const at::Tensor& b) {
    return a.to(at::kDouble).ne(b.to(at::kDouble)).sum().item<int64_t>();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: bench_precision MODEL DATA [IMAGES]\n");
        return argc == 1 ? 0 : 2;
    }
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    const Network network = load_model(argv[1]);
    const LoadedDataset data = load_dataset(argv[2]);
    const int64_t count = std::min<int64_t>(argc > 3 ? std::atoll(argv[3]) : data.test->size(), data.test->size());
    const Simulator simulator(network, {.threads = 1});
    RecordRequest request;
    request.spikes = true;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
        if (network.layers[l].neuron) request.layers.push_back(l);
    int64_t neurons = 0, exact_flips = 0, float_flips = 0, exact_predictions = 0, float_predictions = 0;
    for (int64_t n = 0; n < count; ++n) {
        const FloatArray image = data.test->images({&n, 1});
        const at::Tensor view = view_of(image.data.data(), image.shape);
        const Activity truth = simulate(network, view, at::kDouble), plain = simulate(network, view, at::kFloat);
        const Recording exact = simulator.run(image, request);
        for (size_t l = 0; l < truth.spikes.size(); ++l) {
            const Array<uint8_t>& spikes = exact.layers[l].spikes;
            const at::Tensor ours = at::from_blob(const_cast<uint8_t*>(spikes.data.data()), spikes.shape, at::kByte);
            neurons += spikes.size();
            exact_flips += differing(ours.reshape(truth.spikes[l].sizes()), truth.spikes[l]);
            float_flips += differing(plain.spikes[l], truth.spikes[l]);
        }
        const int64_t predicted = truth.scores.argmax().item<int64_t>();
        exact_predictions += predictions(exact.scores)[0] != predicted;
        float_predictions += plain.scores.argmax().item<int64_t>() != predicted;
    }
    std::printf("%lld images, %lld spikes or silences; different from float64:\n", static_cast<long long>(count),
                static_cast<long long>(neurons));
    std::printf("  exact simulation  %6lld spikes, %lld predictions\n", static_cast<long long>(exact_flips),
                static_cast<long long>(exact_predictions));
    std::printf("  plain float32     %6lld spikes, %lld predictions\n", static_cast<long long>(float_flips),
                static_cast<long long>(float_predictions));
    return 0;
}
