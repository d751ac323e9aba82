#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <variant>

#include "spikelens/core/array.h"

namespace spikelens {

using AnyArray = std::variant<FloatArray, DoubleArray, Array<int64_t>, Array<uint8_t>, Array<uint16_t>>;

/// Named arrays and string attributes in one HDF5 file; names may hold '/', which makes groups.
/// In Python: h5py.File("interpret.h5")["gram"][:].
struct ArrayFile {
    std::map<std::string, AnyArray> arrays;
    std::map<std::string, std::string> attributes;

    /// The array of this name and type. Throws InputError when it is missing or another type.
    template <class T>
    const Array<T>& get(const std::string& name) const;

    std::filesystem::path source;  ///< set by read_arrays, for messages
};

/// Written atomically, little-endian, arrays above 4 KB compressed (shuffle, deflate). Equal contents give equal bytes (no
/// timestamps). The file begins with a block of 512 bytes that holds the SHA-256 of the rest; HDF5 readers skip it. An Array{}
/// (no shape, no data) comes back as such. Safe to call from several threads: HDF5's library is not, so calls take turns. A
/// caller that uses HDF5 itself must not do so at the same time. Throws InputError for names HDF5 cannot hold, more than 8 axes
/// or attributes above 60,000 bytes.
void write_arrays(const std::filesystem::path& path, const ArrayFile& contents);

/// Throws InputError for a missing, damaged (the checksum) or foreign file, a type that is not one of AnyArray's, links to
/// other files, and arrays above 8 GiB or larger than the file can hold.
ArrayFile read_arrays(const std::filesystem::path& path);
/// The attributes alone: the file is checked in the same way, but none of its arrays is unpacked.
std::map<std::string, std::string> read_array_attributes(const std::filesystem::path& path);

/// NumPy's .npy, version 1.0, little-endian float32: numpy.load reads it.
std::string npy_bytes(const ArrayView<float>& array);
void write_npy(const std::filesystem::path& path, const ArrayView<float>& array);

}  // namespace spikelens
