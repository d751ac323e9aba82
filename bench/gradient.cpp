// The way back through a layer: sums of what is not zero, against LibTorch (whose convolutions are oneDNN's), one core.
// The gradient of one image of the shallow network, and what of it the simulation takes. README.md has the answer.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/engine.h"

#include "kernels/dispatch.h"
#include "snn/layer_adjoint.h"
#include "snn/lower.h"

namespace {

using namespace spikelens;

struct LayerShape {
    const char* name;
    const char* text;
    Shape input;
    int steps;
};

// Of the shallow network, and of the one for N-MNIST.
const LayerShape shapes[] = {{"shallow-conv2", "32C3-LIF-1F", {16, 14, 14}, 10},
                             {"shallow-full3", "128F-LIF-1F", {32, 7, 7}, 10},
                             {"nmnist-conv1", "16C5p1s2-IF-1F", {2, 34, 34}, 300},
                             {"nmnist-conv2", "16C3-IF-1F", {16, 16, 16}, 300},
                             {"nmnist-conv3", "8C3-IF-1F", {16, 8, 8}, 300}};

Network network_of(const char* text, const Shape& input, int steps) {
    Network network = parse_network(text, input, steps);
    initialise_weights(network, 1);
    return network;
}

std::vector<float> random_gradient(int64_t size, double density) {
    std::vector<float> values(size);
    for (int64_t i = 0; i < size; ++i)
        if (random_uniform(1, Stream::test, {static_cast<uint64_t>(i)}) < density)
            values[i] = static_cast<float>(random_uniform(2, Stream::test, {static_cast<uint64_t>(i)}) - 0.5);
    return values;
}

void ours(benchmark::State& state, const LayerShape& shape, double density) {
    const Network network = network_of(shape.text, shape.input, shape.steps);
    const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1);
    const LayerAdjoint adjoint(network.layers[0], plan, kernels::choose_kernels(), {});
    const std::vector<float> gradient = random_gradient(shape.steps * adjoint.frame(), density);
    std::vector<float> input(shape.steps * adjoint.input_size());
    for (auto _ : state) adjoint.unweigh(shape.steps, gradient.data(), input.data());
}

void libtorch(benchmark::State& state, const LayerShape& shape) {
    at::set_num_threads(1);
    const Network network = network_of(shape.text, shape.input, shape.steps);
    const Layer& layer = network.layers[0];
    const at::Tensor weight = at::from_blob(const_cast<float*>(layer.weight.data.data()), layer.weight.shape);
    if (layer.kind == LayerKind::full) {
        const at::Tensor gradient = at::rand({shape.steps, layer.out_channels});
        for (auto _ : state) benchmark::DoNotOptimize(at::mm(gradient, weight));
        return;
    }
    const at::Tensor input = at::rand({shape.steps, layer.in_channels, layer.in_height, layer.in_width});
    const at::Tensor gradient = at::rand({shape.steps, layer.out_channels, layer.out_height, layer.out_width});
    const std::vector<int64_t> bias{layer.out_channels}, stride(2, layer.stride), padding(2, layer.padding), ones(2, 1),
        zeros(2, 0);
    for (auto _ : state)
        benchmark::DoNotOptimize(at::convolution_backward(gradient, input, weight, at::IntArrayRef(bias), stride,
                                                          padding, ones, false, zeros, 1, {true, false, false}));
}

void of_image(benchmark::State& state, bool gradient) {
    const CpuEngine engine(network_of("16C3-LIF-MP2-32C3-LIF-MP2-128F-LIF-10F", {1, 28, 28}, 10), {.threads = 1});
    const FloatArray image({1, 1, 28, 28}, random_gradient(784, 1));
    const std::vector<int> target{3};
    for (auto _ : state)
        if (gradient)
            benchmark::DoNotOptimize(engine.gradient(image, target));
        else
            benchmark::DoNotOptimize(engine.run(image));
}

const bool registered = [] {
    for (const LayerShape& shape : shapes) {
        const std::string name(shape.name);
        benchmark::RegisterBenchmark((name + "/libtorch").c_str(), libtorch, shape);
        for (const int percent : {5, 20, 50, 100})
            benchmark::RegisterBenchmark((name + "/" + std::to_string(percent) + "%").c_str(), ours, shape,
                                         percent / 100.0);
    }
    benchmark::RegisterBenchmark("shallow/gradient", of_image, true);
    benchmark::RegisterBenchmark("shallow/simulation", of_image, false);
    return true;
}();

}  // namespace
