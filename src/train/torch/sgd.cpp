#include "sgd.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "spikelens/core/error.h"

#include "torch_network.h"

namespace spikelens {
namespace {

std::vector<FloatArray*> parameters_of(Network& network) {
    std::vector<FloatArray*> parameters;
    for (Layer& layer : network.layers) {
        parameters.push_back(&layer.weight);
        if (layer.has_bias) parameters.push_back(&layer.bias);
    }
    return parameters;
}

void fit_momentum(const std::vector<FloatArray*>& parameters, std::vector<FloatArray>& momentum) {
    if (momentum.empty())
        for (const FloatArray* parameter : parameters) momentum.emplace_back(parameter->shape);
    if (momentum.size() != parameters.size())
        throw InputError("the training state has momentum for " + std::to_string(momentum.size()) +
                         " parameters; the network has " + std::to_string(parameters.size()));
    for (size_t i = 0; i < momentum.size(); ++i)
        if (momentum[i].shape != parameters[i]->shape)
            throw InputError("the training state's momentum " + std::to_string(i) + " has the shape " +
                             shape_text(momentum[i].shape) + "; the network's parameter has " +
                             shape_text(parameters[i]->shape));
}

}  // namespace

Sgd::Sgd(Network& network, const TrainOptions& options, TrainState& state) : options_(options) {
    const std::vector<FloatArray*> parameters = parameters_of(network);
    fit_momentum(parameters, state.momentum);
    for (FloatArray* parameter : parameters) parameters_.push_back(view_of(*parameter));
    for (FloatArray& momentum : state.momentum) momentum_.push_back(view_of(momentum));
}

void Sgd::step(std::vector<at::Tensor>& gradients, double rate) {
    if (options_.clip_norm > 0) clip(gradients);
    for (size_t i = 0; i < parameters_.size(); ++i) {
        if (!gradients[i].defined()) continue;
        if (options_.weight_decay > 0) gradients[i].add_(parameters_[i], options_.weight_decay);
        momentum_[i].mul_(options_.momentum).add_(gradients[i]);
        parameters_[i].sub_(momentum_[i], rate);
    }
}

void Sgd::clip(std::vector<at::Tensor>& gradients) const {
    double squares = 0;
    for (const at::Tensor& gradient : gradients)
        if (gradient.defined()) squares += gradient.to(at::kDouble).square_().sum().item<double>();
    const double norm = std::sqrt(squares);
    if (norm <= options_.clip_norm) return;
    for (at::Tensor& gradient : gradients)
        if (gradient.defined()) gradient.mul_(options_.clip_norm / norm);
}

}  // namespace spikelens
