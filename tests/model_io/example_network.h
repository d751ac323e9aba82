#pragma once

#include "spikelens/snn/network.h"

namespace spikelens {

/// A small network in which every field of a description takes part.
inline Network example_network(uint64_t seed = 1) {
    Network network = parse_network(
        "3C3s2-LIF(beta=0.9,threshold=0.7,reset=zero,delay,ge,decay_input,gain=1.1,v_reset=-0.3)-MP2-4C2p1b0-IF-AP2s1-"
        "5F-LIF-"
        "2Fb0",
        {1, 9, 8}, 6);
    network.classes = {"cat", "dög \"x\""};
    initialise_weights(network, seed);
    return network;
}

}  // namespace spikelens
