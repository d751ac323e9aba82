#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// How it is told what a filter brought to a score.
enum class EvidenceRule {
    share,  ///< what its spikes paid for it (docs/share.md)
    gate,   ///< n ⊙ g: spikes n, and g what one of them was worth with every neuron the gain spikes/drive that it had
    gradient,   ///< spikes ⊙ ∂ score / ∂ spikes, through the surrogate
    occlusion,  ///< how much the score falls when the filter alone is silenced
};

/// In the order of tables, with their names: "share", …
std::span<const EvidenceRule> evidence_rules();
std::string evidence_name(EvidenceRule rule);

/// How much each filter brought to the score of its sample's class. [N, filters] in the order of
/// response_filters(network), signed. By share the filters of a layer that no branch passes by, and what biases of
/// later layers brought, add up to the score. By gate they do without biases, where no neuron fired more than its
/// drive.
///
/// Cost of a sample: share and gate one simulation and one sweep of linear maps, gradient one backward for each layer,
/// occlusion a simulation for each filter. Pass batches. Throws InputError for input that is not the network's, and
/// unless there is one target, a class, for each sample; by gate for recurrent networks and those that normalise each
/// step by itself.
DoubleArray filter_evidence(const Engine& engine, const Input& input, std::span<const int> targets, EvidenceRule rule);

struct ShareEvidence {
    DoubleArray filters;  ///< as filter_evidence by share
    DoubleArray biases;   ///< [N, layers], what the biases and resets of later layers brought; 0 without a neuron
};

/// Both by the same sweep. Throws as filter_evidence.
ShareEvidence share_evidence(const Engine& engine, const Input& input, std::span<const int> targets);

}  // namespace spikelens
