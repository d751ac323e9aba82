#pragma once

#include <optional>

#include "pickle_value.h"
#include "tensor_view.h"

namespace spikelens {

/// A value of a pickle that holds numbers without a tensor, as one: a float, int or bool and NumPy's scalars as 0-d
/// tensors of their type, lists and tuples of floats, ints and bools as a vector of float64. Nothing for all others:
/// texts, empty and nested lists, NumPy's arrays, ints beyond 64 bits.
std::optional<TensorView> pickled_numbers(const Pickle& pickle, const PickleValue& value);

}  // namespace spikelens
