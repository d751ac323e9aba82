#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

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

/// Writes such a file an array at a time: what was added is not held in memory. The file takes its place at finish();
/// before, what was there stays. Little-endian, arrays above 4 KB compressed (shuffle, deflate). The same arrays in the
/// same order give the same bytes (no timestamps). The file begins with a block of 512 bytes that holds the SHA-256 of
/// the rest; HDF5 readers skip it. Safe to use from several threads: HDF5's library is not, so calls take turns. A
/// caller that uses HDF5 itself must not do so at the same time. Throws InputError for names HDF5 cannot hold, more
/// than 8 axes or attributes above 60,000 bytes; RunError when the disk does not take it, and then it cannot be used
/// any more.
class ArrayWriter {
  public:
    ArrayWriter(const std::filesystem::path& path, const std::map<std::string, std::string>& attributes);
    ~ArrayWriter();  ///< without finish(): nothing is left of it

    /// An ArrayView{} (no shape, no data) comes back as an Array{}.
    template <class T>
    void add(const std::string& name, const ArrayView<T>& array);
    void finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// ArrayWriter, for arrays at hand: in the order of their names.
void write_arrays(const std::filesystem::path& path, const ArrayFile& contents);

/// Reads such a file an array at a time. Throws InputError for a missing, damaged (the checksum) or foreign file, a
/// type that is not one of AnyArray's, links to other files, and arrays above 8 GiB or larger than the file can hold.
/// Threads as above.
class ArrayReader {
  public:
    explicit ArrayReader(const std::filesystem::path& path);
    ArrayReader(ArrayReader&&) noexcept;
    ~ArrayReader();

    const std::filesystem::path& source() const { return source_; }  ///< for messages
    const std::map<std::string, std::string>& attributes() const { return attributes_; }
    std::vector<std::string> names() const;  ///< of its arrays
    /// The array of this name. Throws InputError when it is missing, or another type.
    AnyArray any(const std::string& name) const;
    template <class T>
    Array<T> get(const std::string& name) const;

  private:
    struct State;
    std::filesystem::path source_;
    std::map<std::string, std::string> attributes_;
    std::unique_ptr<State> state_;
};

/// The whole file, and its attributes alone.
ArrayFile read_arrays(const std::filesystem::path& path);
std::map<std::string, std::string> read_array_attributes(const std::filesystem::path& path);

/// NumPy's .npy, version 1.0, little-endian float32: numpy.load reads it.
std::string npy_bytes(const ArrayView<float>& array);
void write_npy(const std::filesystem::path& path, const ArrayView<float>& array);

}  // namespace spikelens
