#pragma once

#include <string>

#include "state_dict.h"

namespace spikelens {

/// Gives recurrent weights one name, "<module>.recurrent.weight", and their biases "<module>.recurrent.bias":
///   snnTorch      recurrent.weight and .bias have these names; recurrent.V and V, one to one
///   SpikingJelly  LinearRecurrentContainer's rc.weight [n, 2n]: first n columns for the input, then n for the spikes
///   Norse         input_weights become "<module>.weight", recurrent_weights
///   Sinabs        rec_connect.weight and .bias
void name_recurrences(StateDict& state);

bool is_recurrent(const std::string& name);

/// Whether the library adds this recurrent bias at every step; Sinabs leaves it out at the first.
bool adds_at_every_step(const StateTensor& recurrent_bias);

}  // namespace spikelens
