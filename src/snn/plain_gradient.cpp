// The definitions written down, in double: slow, and independent of the exact kernels. What can be smooth is here.
#include <algorithm>
#include <numeric>

#include "gradient_pass.h"
#include "lif.h"
#include "spike_pool.h"

namespace spikelens {
namespace {

/// Calls visit(input, output, weight): the indices of every product of one step of a layer. A fully connected layer is
/// a convolution whose kernel is its whole input.
template <class Visit>
void for_each_product(const Layer& layer, const Visit& visit) {
    const bool conv = layer.kind == LayerKind::conv;
    const int64_t height = conv ? layer.kernel : layer.in_height, width = conv ? layer.kernel : layer.in_width;
    int64_t weight = 0;
    for (int64_t o = 0; o < layer.out_channels; ++o)
        for (int64_t c = 0; c < layer.in_channels; ++c)
            for (int64_t ky = 0; ky < height; ++ky)
                for (int64_t kx = 0; kx < width; ++kx, ++weight)
                    for (int64_t y = 0; y < layer.out_height; ++y)
                        for (int64_t x = 0; x < layer.out_width; ++x) {
                            const int64_t row = y * layer.stride - layer.padding + ky;
                            const int64_t column = x * layer.stride - layer.padding + kx;
                            if (row < 0 || column < 0 || row >= layer.in_height || column >= layer.in_width) continue;
                            visit((c * layer.in_height + row) * layer.in_width + column,
                                  (o * layer.out_height + y) * layer.out_width + x, weight);
                        }
}

int64_t input_size(const Layer& layer) { return int64_t{layer.in_channels} * layer.in_height * layer.in_width; }
int64_t output_size(const Layer& layer) { return int64_t{layer.out_channels} * layer.out_height * layer.out_width; }

using Doubles = std::vector<double>;

Doubles weighted(const Layer& layer, int64_t steps, const Doubles& input) {
    Doubles current(steps * output_size(layer));
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    for (int64_t step = 0; step < steps; ++step) {
        const double* from = &input[step * input_size(layer)];
        double* to = &current[step * output_size(layer)];
        if (layer.has_bias)
            for (int64_t i = 0; i < output_size(layer); ++i) to[i] = layer.bias.data[i / pixels];
        for_each_product(layer,
                         [&](int64_t in, int64_t out, int64_t w) { to[out] += layer.weight.data[w] * from[in]; });
    }
    return current;
}

Doubles unweighted(const Layer& layer, int64_t steps, const Doubles& gradient) {
    Doubles input(steps * input_size(layer));
    for (int64_t step = 0; step < steps; ++step) {
        const double* from = &gradient[step * output_size(layer)];
        double* to = &input[step * input_size(layer)];
        for_each_product(layer,
                         [&](int64_t in, int64_t out, int64_t w) { to[in] += layer.weight.data[w] * from[out]; });
    }
    return input;
}

LifPlanes planes_of(const Layer& layer, const GradientOptions& options, int steps, bool constant) {
    LifPlanes planes{*layer.neuron, options.surrogate, options.smooth, layer.pool};
    planes.steps = steps;
    planes.planes = layer.out_channels;
    planes.height = layer.out_height;
    planes.width = layer.out_width;
    planes.pooled_height = layer.pooled_height;
    planes.pooled_width = layer.pooled_width;
    planes.constant = constant;
    return planes;
}

class PlainPass final : public GradientPass {
  public:
    PlainPass(const Network& network, const GradientOptions& options)
        : layers_(network.layers), options_(options), currents_(layers_.size()) {}

    void forward(const ShownSample& shown, std::span<float> scores) override {
        shown_ = shown;
        Doubles signal(shown.values.begin(), shown.values.end()), score(scores.size());
        for (size_t l = 0; l < layers_.size(); ++l) {
            currents_[l] = weighted(layers_[l], constant(l) ? 1 : shown.steps, signal);
            if (!layers_[l].neuron) {
                signal = std::move(currents_[l]);
                break;
            }
            const LifPlanes planes = planes_of(layers_[l], options_, shown.steps, constant(l));
            signal.assign(shown.steps * planes.planes * planes.pooled_size(), 0);
            lif_forward(planes, currents_[l].data(), signal.data());
        }
        const Doubles shares = shares_of_steps(layers_.back(), shown.steps);
        for (size_t step = 0; step < shares.size(); ++step)
            for (size_t c = 0; c < score.size(); ++c)
                score[c] += shares[step] * signal[(step * score.size() + c) % signal.size()];
        std::ranges::copy(score, scores.begin());
    }

    void input_gradient(int target, std::span<float> gradient) override {
        std::ranges::copy(down_to(0, target), gradient.begin());
    }

    void spike_gradient(int target, int index, std::span<float> spikes, std::span<float> gradient) override {
        const Doubles pooled = down_to(index + 1, target);
        const auto l = static_cast<size_t>(index);
        const LifPlanes planes = planes_of(layers_[l], options_, shown_.steps, constant(l));
        LifPlanes bare = planes;
        bare.pool = {};
        bare.pooled_height = planes.height;
        bare.pooled_width = planes.width;
        Doubles fired(spikes.size()), to_spikes(spikes.size());
        lif_forward(bare, currents_[l].data(), fired.data());
        for (int64_t plane = 0; plane < planes.steps * planes.planes; ++plane)
            if (planes.pool.kind == PoolKind::none)
                std::copy_n(&pooled[plane * planes.size()], planes.size(), &to_spikes[plane * planes.size()]);
            else
                unpool_plane(planes, &fired[plane * planes.size()], &pooled[plane * planes.pooled_size()],
                             &to_spikes[plane * planes.size()]);
        std::ranges::copy(fired, spikes.begin());
        std::ranges::copy(to_spikes, gradient.begin());
    }

  private:
    bool constant(size_t l) const { return l == 0 && shown_.constant; }

    /// The gradient of what goes into layer `end`, or of what comes out of the last one.
    Doubles down_to(size_t end, int target) {
        const auto classes = static_cast<size_t>(layers_.back().out_channels);
        Doubles gradient(shown_.steps * classes);
        const Doubles shares = shares_of_steps(layers_.back(), shown_.steps);
        for (size_t step = 0; step < shares.size(); ++step) gradient[step * classes + target] = shares[step];
        for (size_t l = layers_.size(); l-- > end;) {
            const int64_t steps = constant(l) ? 1 : shown_.steps;
            if (layers_[l].neuron)
                lif_backward(planes_of(layers_[l], options_, shown_.steps, constant(l)), currents_[l].data(),
                             gradient.data(), currents_[l].data());
            else
                currents_[l] = std::move(gradient);
            if (!layers_[l].neuron && constant(l))
                currents_[l][target] = std::accumulate(shares.begin(), shares.end(), 0.0);
            gradient = unweighted(layers_[l], steps, currents_[l]);
        }
        return gradient;
    }

    const std::vector<Layer>& layers_;
    GradientOptions options_;
    ShownSample shown_;
    std::vector<Doubles> currents_;
};

}  // namespace

std::unique_ptr<GradientPass> make_plain_pass(const Network& network, const GradientOptions& options) {
    return std::make_unique<PlainPass>(network, options);
}

/// A value for each neuron and step, and the gradients on both sides of a layer.
int64_t plain_pass_bytes(const Network& network, int steps) {
    int64_t kept = 0, largest = 0;
    for (const Layer& layer : network.layers) {
        kept += output_size(layer);
        largest = std::max(largest, 2 * (input_size(layer) + output_size(layer)));
    }
    return int64_t{8} * steps * (kept + largest);
}

}  // namespace spikelens
