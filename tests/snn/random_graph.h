#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

namespace spikelens::testing {

/// Texts of networks that are graphs, drawn from an address: blocks in blocks, joins of spikes and of currents, pools
/// of both, one after another, references across blocks, windows and groups of every kind, recurrence, neurons that
/// differ.
class RandomGraph {
  public:
    explicit RandomGraph(uint64_t seed) : seed_(seed) {}

    /// All maps of an input of even size keep it or halve it, so that branches fit. β is dyadic: sums are exact in
    /// float.
    std::string text() {
        std::string text =
            channels() + pick({"C3", "C1", "C3b0", "C5", "C3g2", "C3d2", "C1x3"}) + "-" + neuron() + pool();
        for (int blocks = 1 + static_cast<int>(draw(3)); blocks > 0; --blocks) text += "-" + stage(2);
        const std::string readout =
            pick({"5F", "5F-IF", "5F-LI(beta=0.5)", "5F-LI(beta=0.5,alpha=0.25)", "12F-LIF(beta=0.5)-5F", "5C1-GAP",
                  "5C1-GMP", "5C1-LIF(beta=0.5)-GAP", "[5F|5Fb0]add", "[5F|5F]add-LIF(beta=0.5)", "[5F-IF|5F-IF]add",
                  "5C1-GAP-LI(beta=0.5)", "[2F|3F-LIF(beta=0.5)]cat-IF", "5F-R-IF", "6F-R1-LIF(beta=*)-5F",
                  "5C2x1p0s2x3-GAP"});
        return text + "-" + readout;
    }

    uint64_t draw(uint64_t bound) { return random_bits(seed_, Stream::test, {++draws_}) % bound; }
    std::string pick(const std::vector<std::string>& from) { return from[draw(from.size())]; }

    std::string neuron() {
        return pick({"LIF(beta=0.5)", "IF", "LIF(beta=0.5,reset=zero)", "LIF(beta=0.5,delay)",
                     "LIF(beta=0.5,reset=none,ge)", "IF(ge,threshold=1.5)", "LIF(beta=0.5,decay_input,gain=4)",
                     "LIF(beta=0.5,alpha=0.5)", "LIF(beta=*)", "LIF(beta=0.5,adapt=0.5,rho=0.5)",
                     "LIF(beta=0.5,reset=zero,adapt=0.25,rho=0.5,ge)", "IF(delay,adapt=0.5)",
                     "LIF(beta=0.5,decay_input,gain=4,adapt=*,rho=0.5)", "IF(threshold=**,gain=*)",
                     "LIF(beta=*,alpha=**,reset=zero,decay_input)"});
    }

  private:
    std::string channels() { return std::to_string(kChannels); }
    std::string weighted() {
        return channels() +
               pick({"C3", "C1", "C3b0", "C5", "C3", "C3g2", "C3g6b0", "C3d2", "C1x3", "C3x5d2x1", "C5x1"});
    }
    std::string spiking() { return weighted() + pick({"", "", "", "", "-R1", "-RC3", "-R"}) + "-" + neuron(); }
    std::string pool() {
        return pick({"", "", "", "-MP3s1-MP1", "-AP1", "-SP1", "-MP1x2s1", "-AP2x1s1", "-MP3s1p1", "-SP1x3s1p0x1"});
    }

    /// Reads numbers of spikes and sends them.
    std::string stage(int depth) {
        const std::string spikes = spiking();
        switch (draw(shrunk_ == 0 ? 9 : shrunk_ == 1 ? 8 : 6)) {
            case 6:
                ++shrunk_;
                return "[" + weighted() + pick({"-MP2|", "-MP3s2c|"}) + weighted() +
                       pick({"-AP2]add-", "-AP4s2p1]add-"}) + neuron() + "-" + spiking();
            case 7:
                ++shrunk_;
                return spikes + pick({"-MP2-AP1-", "-MP3s2p1-AP1-", "-MP3s2c-", "-AP4s2p1-", "-SP3s2c-"}) + spiking();
            case 8:
                ++shrunk_;
                return "[" + spikes + "|@conv1-" + spiking() + "]add-AP2s1-" + spikes + "-MP3s2";
            default:
                return keeping(depth);
        }
    }

    /// The same, and keeps the shape.
    std::string keeping(int depth) {
        const std::string spikes = spiking();
        const std::string branch = depth > 0 && draw(3) == 0 ? keeping(depth - 1) : spikes;
        switch (draw(6)) {
            case 0:
                return "[" + branch + "|]add";
            case 1:
                return "[" + weighted() + "|]add-" + neuron();
            case 2:
                return "[" + branch + "|" + spiking() + "]cat-" + spiking();
            case 3:
                return spikes + "-[" + spikes + "|]" + pick({"and", "iand"});
            case 4:
                return "[" + weighted() + "|" + weighted() + "-AP1|]add-" + neuron();
            default:
                return weighted() + "-MP1-" + neuron();
        }
    }

    static constexpr int kChannels = 6;
    uint64_t seed_, draws_ = 0;
    int shrunk_ = 0;  ///< how often the maps have become smaller since the first layer
};

}  // namespace spikelens::testing
