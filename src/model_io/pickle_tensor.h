#pragma once

#include <string>

#include "pickle_value.h"
#include "tensor_view.h"

namespace spikelens {

/// Bytes that PyTorch keeps outside the pickle.
struct StorageReference {
    std::string key;
    TensorType type = TensorType::f32;
    int64_t count = 0;  ///< elements; their bytes stay far below 2⁶³
};

/// Reads ('storage', class, key, location, count[, None]). Throws InputError, opened by `where`, for everything else.
StorageReference storage_reference(const Pickle& pickle, const PickleValue& persistent, const std::string& where);

/// A tensor or parameter, as the pickle describes it; every element lies in the storage.
struct PickledTensor {
    StorageReference storage;
    int64_t offset = 0;
    Shape shape, strides;
};

/// Whether a value is a call of one of PyTorch's functions that rebuild tensors and parameters.
bool is_tensor(const PickleValue& value);

/// Throws InputError, opened by `where`, when the call's arguments are none of a tensor, its elements leave their
/// storage, or it is conjugated or negated when read.
PickledTensor pickled_tensor(const Pickle& pickle, const PickleValue& call, const std::string& where);

}  // namespace spikelens
