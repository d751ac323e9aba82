#pragma once

#include <filesystem>
#include <functional>

#include "pickle_tensor.h"
#include "pickle_value.h"
#include "tensor_view.h"

namespace spikelens {

/// A file that torch.save wrote: its pickle, and the storages that the pickle refers to, each read when it is asked
/// for.
struct PickleFile {
    Pickle pickle;
    /// Throws InputError when the file does not hold exactly the bytes that the reference promises.
    std::function<SharedBytes(const StorageReference&)> storage;
};

/// The form of PyTorch since 1.6: a zip archive with <archive>/data.pkl and <archive>/data/<key>. Throws InputError for
/// other archives, big-endian storages, and what read_pickle refuses. A data.pkl may have 64 MiB, storages 8 GiB
/// together.
PickleFile open_pickle_zip(const std::filesystem::path& path);

/// The form before: five pickles (magic number, version, system, the object, keys of its storages), then the storages.
PickleFile open_pickle_stream(const std::filesystem::path& path);

}  // namespace spikelens
