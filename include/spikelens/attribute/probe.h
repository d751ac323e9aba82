#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/progress.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// Linear readings of a network's scores from the spikes of its convolution layers (docs/methods.md: probe): partly a
/// surrogate of what the network computes after them.
struct Probe {
    /// One convolution layer with a neuron: score of class c ≈ intercept[c] + weight[c] · P, P its pooled counts.
    struct Reading {
        int layer = 0;
        FloatArray weight;     ///< [classes, C·H'·W']
        FloatArray intercept;  ///< [classes]
    };
    std::vector<Reading> readings;  ///< one per layer, in order
    int64_t samples = 0;            ///< fitted to
};

/// The most pooled counts of a layer that fit_probe takes: its Gram matrix then has 2 GiB.
inline constexpr int64_t kMostProbeInputs = 16384;

/// Throws what fit_probe throws for these, before anything is computed.
void check_probe(const Network& network, const SampleSource& source, int64_t samples);

/// Ridge regression of every class's score on each layer's pooled counts, over `samples` images spread evenly over the
/// source; centred (the intercept is not penalised), penalty 0.1 · mean diagonal of the layer's centred Gram matrix; a
/// silent layer gets weights 0. Sums of counts are exact in double and in sample order otherwise: the same bits for any
/// number of threads.
///
/// One forward simulation per image, then per layer of F pooled counts samples·F²/2 + F³/3 multiply-adds and F²
/// doubles. Throws InputError when the source holds spikes, images of another shape or fewer than `samples` of them,
/// `samples` is below 1, the network has no convolution layer with a neuron, or one of them has more than
/// kMostProbeInputs pooled counts.
Probe fit_probe(const Engine& engine, const SampleSource& source, int64_t samples);

}  // namespace spikelens
