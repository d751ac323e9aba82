#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/aligned.h"

#include "neuron_step.h"
#include "product_tile.h"

namespace spikelens::kernels {

constexpr int kMostRows = 127;            ///< weights that always fit int32 when added
constexpr int64_t kMostInputs = 1 << 22;  ///< inputs of one output, for the bounds below

constexpr int kMostPartRows = 384;  ///< of 16 outputs: 24 KB of weights, which the first-level cache holds

constexpr int kMostSlicePlanes = 8;           ///< an input of int8 slices is a byte
constexpr int64_t kMostSliceInputs = 65'280;  ///< 128 · 257 · 65'280 < 2^31: two slices' sums, put together, fit int32

constexpr int kMostReached = 5;  ///< columns of outputs that a spike reaches, where sums are made row by row

constexpr int64_t kListBytes = 512 * 1024;  ///< of lists of spikes, expected for a tile of pixels
constexpr double kLeastListed = 1.0 / 32;   ///< of the input: room for lists is bounded however few spikes are expected

/// Neighbouring pixels of one row.
struct PixelSpan {
    int row, first_column, end_column;
};

/// A weighted layer lowered to plain numbers. A fully connected layer is a convolution whose kernel is its whole input.
///
/// Spikes are bits, [row][column][step][plane][word]: bit c of the words belongs to channel c, and an input of whole
/// numbers (average pooling, several events in a bin) is written in binary over the planes: value = Σ_p 2^p · bit_p.
///
/// Weights are fixed point, one scale per output channel: w ≈ 2^e · w_q with |w_q| ≤ 2^24, so a weight in the channel's
/// topmost binade is kept exactly and every other to within 2^−25 of the largest: half a unit in the last place that
/// float32 keeps of that largest weight. Currents are integer sums of w_q: exact, whatever the order, where float32
/// rounds after every addition. They are rounded to float once. No sum can overflow: unless all weights of each output
/// together fit int32, at most kMostRows of them (127 · 2^24 < 2^31) are added there before they go to int64, where
/// kMostInputs inputs with counts up to 2^16 fit (2^22 · 2^24 · 2^16 = 2^62).
struct LayerPlan {
    int in_height = 0, in_width = 0, in_channels = 0, in_words = 0;
    int out_height = 0, out_width = 0, out_channels = 0, out_words = 0;
    int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;

    int lanes = 16;  ///< outputs computed together: 16, 32 or 64
    int blocks = 1;  ///< ⌈out_channels / lanes⌉
    int padded() const { return lanes * blocks; }
    int taps() const { return kernel_height * kernel_width; }
    /// Columns of the output that one of the input reaches.
    int reached_columns() const { return (kernel_width + stride - 1) / stride; }

    std::vector<PixelSpan> rows;  ///< all rows of the output, whole

    AlignedVector<int32_t> weights;     ///< [block][tap][in_channel][lane]; empty for a layer of real input
    AlignedVector<float> real_weights;  ///< the same as float, for a layer of real input; empty otherwise

    int64_t largest_total = 0;  ///< the largest Σ|w_q| of an output
    int part_rows = 64;         ///< inputs of a part (weight_parts.h): whichever of one spike, their weights fit int32
    std::vector<int64_t> all_rows;  ///< [padded] sum of all weights of an output; empty for a layer of real input

    AlignedVector<float> scale, bias;             ///< [padded] of the current, gain and input decay folded in
    std::vector<double> exact_scale, exact_bias;  ///< the same before rounding to float, for the readout
    NeuronConstants<float> neuron;

    /// Whether any sum of weights, each at most 2^planes − 1 times, fits int32.
    bool sums_fit_int32(int planes) const { return largest_total <= (INT32_MAX >> planes); }

    /// Whether the weights may be taken apart into int8 slices: two of their sums then fit int32, put together.
    bool fits_slices(int planes) const {
        return planes <= kMostSlicePlanes &&
               (int64_t{taps()} * in_channels << planes) - taps() * in_channels <= kMostSliceInputs;
    }

    int64_t output_words(int steps) const { return int64_t{out_height} * out_width * steps * out_words; }
};

/// How sums of weights are made: how the event-driven kernels list the spikes under a kernel, or without lists
/// (dispatch.h: choose_listing). The result does not depend on it.
enum class Listing {
    every_word,    ///< without asking whether it is silent: at most 16 channels, where the answer is hard to predict
    active_words,  ///< silent words are passed over
    silence,       ///< what is silent, to be taken from the sum of all weights; one plane only
    rows,          ///< once for each row of outputs, and each added to all of them that it reaches
    patterns,      ///< each input once for few steps, sorted by the steps in which it spikes
    slices,  ///< no lists: every input times int8 slices of every weight; sets that have a SlicePrice, fits_slices only
};

/// Where a sample's spikes lie, as in LayerTask.
struct SampleSpikes {
    const uint64_t* spikes;
    uint64_t* out_spikes;
};

/// One sample through one layer, for some pixels and blocks of its outputs; where the listing is by patterns, several
/// samples share what is read of the weights. Pointers are to whole-layer arrays.
struct LayerTask {
    const LayerPlan* plan = nullptr;
    int steps = 0;
    int planes = 1;                         ///< of the input
    const uint64_t* spikes = nullptr;       ///< input bits; or
    Listing listing = Listing::every_word;  ///< of spikes
    double listed = 1;                      ///< the share of the input expected on lists: only speed depends on it
    const float* currents = nullptr;        ///< when spikes is null: [row][column][padded]; or
    int64_t current_stride = 0;             ///< of the currents from step to step; 0: constant in time
    const int32_t* sums = nullptr;          ///< of the weights of what spikes, [row][column][step][padded]
    const uint64_t* keep = nullptr;         ///< [out_words] outputs that may spike: real channels that are not ablated
    uint64_t* out_spikes = nullptr;  ///< [row][column][step][out_words], zeroed by the caller where pixels are computed
    uint16_t* counts = nullptr;      ///< [row][column][padded] or null
    float* potentials = nullptr;     ///< [step][row][column][padded] or null
    std::span<const PixelSpan> pixels;  ///< of the output; the same columns in every row where the listing is by rows
    int first_block = 0, end_block = 0;
    std::span<const SampleSpikes>
        more;  ///< further samples, where nothing but spikes is written and the listing is by patterns

    int samples() const { return 1 + static_cast<int>(more.size()); }
    const uint64_t* spikes_of(int sample) const { return sample == 0 ? spikes : more[sample - 1].spikes; }
    /// Of one sample alone.
    LayerTask of_sample(int sample) const {
        LayerTask one = *this;
        one.more = {};
        if (sample == 0) return one;
        one.spikes = more[sample - 1].spikes;
        one.out_spikes = more[sample - 1].out_spikes;
        return one;
    }
};

/// Where the input of a layer has changed: brings the sums of its weights up to date. Only where sums_fit_int32.
struct ChangeTask {
    const LayerPlan* plan = nullptr;
    int steps = 0;
    int planes = 1;
    std::span<const PixelSpan> pixels;  ///< of the input
    const uint64_t* before = nullptr;   ///< the words of these pixels that the sums are of, one pixel after another
    const uint64_t* spikes = nullptr;   ///< the input now, the whole map
    int32_t* sums = nullptr;            ///< [row][column][step][padded]
};

/// Sums over all steps of a layer without neuron, [row][column][padded]: exact integers.
struct ReadoutTask {
    const LayerPlan* plan = nullptr;
    int steps = 0;
    int planes = 1;
    const uint64_t* spikes = nullptr;
    int64_t* sums = nullptr;
};

/// Currents of a layer of real input (image [C, H, W]) → [row][column][padded]: Σ over rows, columns, channels of the
/// kernel in that order, float32 without contraction, then the bias.
struct RealTask {
    const LayerPlan* plan = nullptr;
    const float* image = nullptr;
    float* currents = nullptr;
    std::span<const PixelSpan> pixels;  ///< of the output
};

constexpr int kSpreadPixels = 64;  ///< whose gradients are listed at once

/// The adjoint of a layer's weights: from the gradient of its currents to that of its input, to which it is added. A
/// gradient of 0 adds nothing; beyond out_channels all are 0. Float32 without contraction, in one order: the bits do
/// not depend on the set.
struct SpreadTask {
    int steps = 0;
    int in_height = 0, in_width = 0, in_channels = 0;
    int out_height = 0, out_width = 0, out_channels = 0, padded = 0;
    int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;
    const float* weights = nullptr;  ///< [out_channel][row_length], a row [tap][in_channel] and what fills it up
    int64_t row_length = 0;
    const float* gradient = nullptr;  ///< [step][row][column][padded]
    float* input_gradient = nullptr;  ///< [step][row][column][in_channel]
};

/// Where it pays to multiply int8 slices of all weights in place of adding weights for each spike.
struct SlicePrice {
    double least_density;  ///< of the input, where all lanes of the multiplications are used; above 1: the set cannot
    double slicing;  ///< what taking weights apart costs, in rows (a pixel at a step) that they are multiplied with
};
constexpr SlicePrice kNoSlices = {2, 0};

/// One way to compute; all give identical bytes.
struct KernelSet {
    const char* name;
    void (*layer)(const LayerTask&);
    void (*change)(const ChangeTask&);
    void (*readout)(const ReadoutTask&);
    void (*real_currents)(const RealTask&);
    void (*products)(const ProductTask&);
    void (*spread)(const SpreadTask&);
    SlicePrice slices;
};

}  // namespace spikelens::kernels
