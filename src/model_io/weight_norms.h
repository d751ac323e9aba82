#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "state_dict.h"

namespace spikelens {

/// Leaves of a normalisation's names; `scale` has one number for each step of time.
inline constexpr const char *kRunningMean = "running_mean", *kRunningVar = "running_var", *kStepsScale = "scale";

/// A batch normalisation in a state dict: y = γ · (x − mean) / √(variance + ε) + β for each channel.
struct FileNorm {
    std::string stem;
    std::optional<size_t> module;  ///< StateTensor::module
    std::map<std::string, size_t>
        tensors;  ///< places in the state dict by "running_mean", "running_var", "weight", "bias"…
    std::vector<std::map<std::string, size_t>> steps;  ///< those of each step of time, the first of which are `tensors`

    bool differs_between_steps() const { return !steps.empty() || tensors.contains(kStepsScale); }
};

/// What has running averages; those of one module that are each of one step (step_norms.h) are one. `steps` as there.
/// Throws InputError, opened by `where`, for averages of which one is missing, and for shapes that are no channels, by
/// name.
std::vector<FileNorm> find_norms(const StateDict& state, int steps, const std::string& where);

/// A module of the file that fills a layer's weight.
struct FilledLayer {
    Layer* layer = nullptr;
    std::string stem;
    std::optional<size_t> module;
};

/// The layer that a normalisation follows; `before` where it normalises the network's input instead.
struct NormPlace {
    Layer* layer = nullptr;
    bool before = false;
};

/// Finds the layer of each normalisation. In a container with numbers it is the weight just before it; else the weight
/// whose name differs in one word and has the same numbers (bn1 and conv1, block.bn and block.conv); else the nearest
/// weight before it, by numbers or by the order in which the model defines its modules. `told` (layer → module) comes
/// first. Throws InputError, opened by `where`, that names both modules: where nothing tells, where names and
/// definition contradict each other, where channels do not fit, where two belong to one layer, and where something
/// stands between them.
std::vector<NormPlace> places_of_norms(const StateDict& state, const std::vector<FileNorm>& norms,
                                       const std::vector<FilledLayer>& weights,
                                       const std::map<std::string, std::string>& told, const std::string& where);

/// Of each channel, with scale = γ / √(variance + ε). Throws InputError, opened by `what`, for values that are not
/// finite and variances with which there is no root.
struct NormNumbers {
    std::vector<double> scale, mean, beta;
};
NormNumbers norm_numbers(const StateDict& state, const std::map<std::string, size_t>& tensors, double eps,
                         const std::string& what);

/// Folds a normalisation into a layer whose weight and bias are filled (a bias that the file lacks is 0), in double
/// precision: scale = γ / √(variance + ε), weight = float(weight · scale), bias = float((bias − mean) · scale + β).
/// Throws InputError for values that are not finite, variances with which there is no root, and a layer without bias.
void fold_norm(const StateDict& state, const FileNorm& norm, const NormPlace& place, double eps,
               const std::string& where);

/// Lets a layer take x where it took scale · x + shift, channel by channel; in double precision, rounded once. Exact
/// but where the layer pads x with zeros and `shift` is not zero: an InputError, which `what` opens; so is a shift for
/// a layer without bias.
void fold_into_input(Layer& layer, std::span<const double> scale, std::span<const double> shift,
                     const std::string& what);

}  // namespace spikelens
