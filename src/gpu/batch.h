#pragma once

#include <array>
#include <vector>

#include "chain_weights.h"

namespace spikelens::gpu {

/// Of a layer that is recorded, on the device.
struct RecordBuffers {
    Buffer counts, pooled_counts, spikes, potentials;
    explicit RecordBuffers(Device& device)
        : counts(device), pooled_counts(device), spikes(device), potentials(device) {}
};

/// The membranes of a layer between two parts of the time.
struct StateBuffers {
    Buffer membrane, synapse, spiked;
    explicit StateBuffers(Device& device) : membrane(device), synapse(device), spiked(device) {}
};

/// Memory that batches use one after the other.
struct Workspace {
    Buffer input, packed, currents, fired, totals, mask;
    std::array<Buffer, 4> maps;  ///< of layers in turn, two by two: of all filters, and under ablations
    std::vector<RecordBuffers> records;
    std::vector<StateBuffers> states;  ///< by layer

    explicit Workspace(const ChainWeights& weights);
};

/// What an ablation changes: from this layer's output on, by this mask.
struct AblationSet {
    int first_layer = 0;            ///< the number of layers, where nothing is ablated
    const uint8_t* mask = nullptr;  ///< on the device
};

/// Some samples on their way through a chain, layer by layer: of each layer all samples and as many steps as a tile may
/// hold.
class Batch {
  public:
    /// Samples first … first + count − 1 of the input.
    Batch(const ChainWeights& weights, Workspace& space, const RunInput& input, int64_t first, int64_t count);

    /// About the bytes that a sample takes.
    static int64_t bytes_each(const ChainWeights& weights, const RunInput& input, const RecordRequest& request);
    /// Of as many a task has less than kMostParts.
    static int64_t most_samples(const ChainWeights& weights, const RunInput& input);
    /// Whether all steps are taken at once.
    static bool at_once(const RunInput& input);

    /// Into the batch's rows of the recording.
    void run(const uint8_t* mask, Recording& recording);
    /// scores[set, sample, class] of every set; only where all steps are taken at once.
    void run_ablations(const uint8_t* no_mask, std::span<const AblationSet> sets, FloatArray& scores);

  private:
    struct Part {
        int first_step, steps;
    };

    void begin(Recording* recording);
    Map packed(const Part& part);
    Map layer(size_t l, const Map& input, const uint8_t* mask, const Part& part, Buffer& to);
    Neurons neurons(size_t l, const uint8_t* mask, const Part& part);
    void fire(size_t l, const Map& input, Neurons neurons, int64_t* totals = nullptr);
    void read_out(size_t l, const Map& input, const Neurons& neurons);
    Map pooled(size_t l, const Map& fired, Buffer& to);
    void run_branch(size_t l, const Map& sent, const uint8_t* mask);
    RecordBuffers* recorded(size_t l);
    void record(size_t l, const Map& fired, const Map& sent, const Part& part);
    void keep_results(Recording& recording);
    int64_t* totals(bool anew);
    void count_spikes(const Map& sent, bool anew);
    void scores(std::span<float> to);
    template <class T>
    std::vector<T> downloaded(Buffer& from, int64_t each) const;
    bool last(size_t l) const { return l + 1 == weights_.layers().size(); }

    const ChainWeights& weights_;
    Workspace& space_;
    const RunInput& input_;
    int64_t first_, count_;
    const Recording* recording_ = nullptr;
};

}  // namespace spikelens::gpu
