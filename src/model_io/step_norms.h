#pragma once

#include <string>
#include <vector>

#include "weight_norms.h"

namespace spikelens {

/// Of how many steps a network's text has normalisations that differ between them (BN4); 0 where it has none.
int steps_of_norms(const Network& network);

/// Puts normalisations together of which each is of one step of time: of SpikingJelly's BatchNormThroughTime
/// ("bn.bn_list.0"), and those of a list "bn.0", "bn.1", … of nothing else, of one width, that is snnTorch's
/// BatchNormTT (it has factors and no terms) or as long as the network's normalisations have steps.
void join_step_norms(const StateDict& state, int steps, std::vector<FileNorm>& norms);

/// Fills the normalisation that the network text has behind a layer with what one of the file, which differs between
/// steps, gives at each step, in double precision and rounded once: factor = γ / √(variance + ε), term = β − mean ·
/// factor; both times the step's `scale` in TemporalEffectiveBatchNorm. Gives the layer it filled. Throws InputError,
/// opened by `where`, where the text has none there, or one of another number of steps.
Layer& fill_step_norm(const StateDict& state, const FileNorm& norm, const NormPlace& place, double eps,
                      Network& network, const std::string& where);

/// Throws InputError, opened by `where`, for a normalisation of each step that the file did not fill.
void require_step_norms(const Network& network, const std::vector<const Layer*>& filled, const std::string& where);

}  // namespace spikelens
