#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"
#include "spikelens/train/augment.h"
#include "spikelens/train/schedule.h"

namespace spikelens {

/// What training computes on. cuda: a GPU that LibTorch knows, by LibTorch's own operations.
enum class Device { cpu, cuda };

/// The numbers that convolutions and products of matrices are computed in, forward and back. Membranes, spikes, the
/// loss, sums of gradients, weights and momentum are float32 with either. bfloat16 has float32's range and eight bits
/// of it.
enum class Precision { float32, bfloat16 };

/// Read "cpu" or "cuda", "float32" or "bfloat16". Throw InputError for other texts.
Device parse_device(std::string_view text);
Precision parse_precision(std::string_view text);
std::string device_text(Device device);
std::string precision_text(Precision precision);

/// Training by surrogate gradients: SGD with momentum on the cross-entropy of the score.
struct TrainOptions {
    int epochs = 5;
    int batch = 100;
    double learning_rate = 0.3;
    Schedule schedule;
    int warm_up = 0;  ///< epochs in which the learning rate rises
    double momentum = 0.9;
    double weight_decay = 0.0;
    double clip_norm = 0.0;  ///< scale the gradient to at most this norm; 0: never
    /// A batch is computed in so many parts, one after the other. The gradient is the batch's, but summed in another
    /// order: its bits differ by rounding, about 1e-6 of its largest value.
    int accumulate = 1;
    Augmentation augmentation;
    /// Layers that keep their weights and biases: names, or "conv1..conv4" for all from one to another.
    std::vector<std::string> freeze;
    Surrogate surrogate;
    Device device = Device::cpu;
    Precision precision = Precision::float32;
    uint64_t seed = 1;
};

struct EpochResult {
    int epoch = 0;        ///< from 1
    double loss = 0;      ///< mean cross-entropy over the epoch's samples, while training
    double accuracy = 0;  ///< while training
    double seconds = 0;
};

/// The part of an epoch that is done: whole batches, from its first sample on.
struct EpochPart {
    int64_t samples = 0;  ///< 0: the epoch has not begun
    double loss = 0;      ///< sum of the samples' cross-entropies
    int64_t correct = 0;
    double seconds = 0;
};

/// Everything that training needs to go on exactly as if it was never interrupted.
struct TrainState {
    int epochs_done = 0;
    std::vector<FloatArray> momentum;  ///< one per parameter: weight, bias of each layer in order; empty at the start
    std::vector<EpochResult> history;
    EpochPart part;  ///< of the epoch after epochs_done
};

/// Throws InputError for options that no training can use.
void check_train_options(const TrainOptions& options);

/// Throws OptionError for a device that is not there: where LibTorch was built without CUDA, or finds no GPU. Asked for
/// a GPU, it loads what train() loads.
void check_device(Device device);

/// For each layer whether it keeps its weights. Throws InputError for a word that names no layer, or when all are
/// frozen.
std::vector<bool> frozen_layers(const Network& network, const std::vector<std::string>& words);

/// Trains `network` in place from `state` to options.epochs and keeps `state` up to date. The order of samples of an
/// epoch is a permutation addressed by (seed, epoch). `after_batch` is called when a batch is done and may keep a
/// checkpoint; at an epoch's end state.part is empty. Both it and execution.progress may throw to stop, and training
/// stops when cancelled. `network` and `state` are then those of the last whole batch, and training that goes on from
/// them ends in the same bits (but for seconds) as one that was never stopped.
///
/// At most so many samples are on their way as execution.memory has room for (train/plan.h).
///
/// Throws InputError for unusable options or labels, too little memory, or a state that is not on the way to
/// options.epochs with this batch; RunError when the loss or a weight stops being finite: `after_batch` never sees such
/// a network. Loads the library libspikelens_train, which alone is linked with LibTorch, from where the program is told
/// to look for libraries; throws RunError where it is missing, as in a build without it. Weights are the same to the
/// bit for any number of threads on one machine. On another CPU they may differ in the last digits, since LibTorch and
/// its BLAS choose their kernels by CPU, and training carries such differences on. A GPU sums in other orders, and its
/// weights may differ in the last digits between two runs too; what is drawn at random does not depend on the device.
/// Sets LibTorch and OpenBLAS to one thread of their own, and lets malloc map blocks of 4 MB and more each for itself,
/// for the whole process.
void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution = {});

}  // namespace spikelens
