#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spikelens/snn/network.h"

#include "text_reader.h"

namespace spikelens {

/// A neuron as its stage says it, and of which parameters values are to be in the weights' file.
struct ParsedNeuron {
    Neuron neuron;
    std::vector<std::pair<std::string, bool>> varying;  ///< the field, and whether each neuron has its own
};

/// Builds a network's layers while the stages of its text are read.
class NetworkBuilder {
  public:
    NetworkBuilder(const Shape& input, int steps, const NetworkDefaults& defaults);

    /// The layer whose output the next stage reads. Nothing can be added to a layer that was gone to.
    int point() const { return point_; }
    void go_to(int layer);

    void add(const Stage& stage);
    /// Brings the ends of branches together.
    void join(const Stage& stage, const std::vector<int>& ends);
    Network finish();

  private:
    int named(const Stage& stage, std::string_view name) const;
    Layer* open_layer();
    Layer& pass(const Stage& stage, const std::string& what);
    void add_neuron(const Stage& stage, const ParsedNeuron& parsed);
    void add_recurrence(const Stage& stage, Cursor cursor);
    void add_norm(const Stage& stage, Cursor cursor);
    void add_leak(const Stage& stage, const Cursor& cursor);
    void add_readout();
    void add_pool(const Stage& stage, Cursor cursor, PoolKind kind);
    void add_pool_to(const Stage& stage, Cursor cursor, PoolKind kind);
    void add_whole_pool(const Stage& stage, const Cursor& cursor, PoolKind kind);
    void set_pool(const Stage& stage, const Pool& pool);
    void add_weighted(const Stage& stage, Layer& layer);
    void add_conv(const Stage& stage, Cursor cursor, int outputs);
    void add_full(const Stage& stage, Cursor cursor, int outputs);
    Layer& new_layer(LayerKind kind, const std::vector<int>& inputs);
    void finish_layer(const Stage& stage, Layer& layer) const;
    void count_weights(const Stage& stage, double more);

    Network network_;
    NetworkDefaults defaults_;
    int point_ = kNetworkInput;
    bool open_ = false;  ///< a neuron, a pool or a readout would become part of the layer at point_
    double weights_ = 0;
    bool leaky_readout_ = false;
};

}  // namespace spikelens
