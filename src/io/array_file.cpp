#include "spikelens/io/array_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "array_limits.h"
#include "checksum_block.h"
#include "hdf5_file.h"
#include "hdf5_type.h"
#include "new_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kCompressedFrom = 4096;   // bytes; smaller arrays are kept as they are
constexpr hsize_t kLargestChunk = 1 << 20;  // bytes
constexpr int kDeflateLevel = 4;

std::vector<hsize_t> chunk_of(const Shape& shape, hsize_t element_size) {
    std::vector<hsize_t> chunk(shape.begin(), shape.end());
    hsize_t bytes = element_size * static_cast<hsize_t>(element_count(shape));
    for (hsize_t& extent : chunk)  // the leading axes are cut first: a chunk is a run of whole rows
        while (bytes > kLargestChunk && extent > 1) {
            bytes = bytes / extent * ((extent + 1) / 2);
            extent = (extent + 1) / 2;
        }
    return chunk;
}

Hdf5Handle dataspace(const Shape& shape, bool absent) {
    if (absent) return made(H5Screate(H5S_NULL), H5Sclose);
    if (shape.empty()) return made(H5Screate(H5S_SCALAR), H5Sclose);
    const std::vector<hsize_t> extents(shape.begin(), shape.end());
    return made(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
}

template <class T>
void write_array(hid_t file, const std::string& name, const ArrayView<T>& array) {
    const bool absent = array.shape.empty() && array.empty();  // Array{}: not even a scalar
    Hdf5Handle space = dataspace(array.shape, absent);
    Hdf5Handle creation = untimed(H5P_DATASET_CREATE);
    if (array.size() * static_cast<int64_t>(sizeof(T)) > kCompressedFrom) {
        const std::vector<hsize_t> chunk = chunk_of(array.shape, sizeof(T));
        require_written(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()));
        require_written(H5Pset_shuffle(creation.get()));
        require_written(H5Pset_deflate(creation.get(), kDeflateLevel));
    }
    Hdf5Handle links = made(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    require_written(H5Pset_create_intermediate_group(links.get(), 1));
    Hdf5Handle dataset =
        made(H5Dcreate2(file, name.c_str(), Hdf5Type<T>::file(), space.get(), links.get(), creation.get(), H5P_DEFAULT),
             H5Dclose);
    if (!array.empty())
        require_written(
            H5Dwrite(dataset.get(), Hdf5Type<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()));
    close_all(dataset, links, creation, space);
}

void write_attribute(hid_t file, const std::string& name, const std::string& text) {
    Hdf5Handle type = made(H5Tcopy(H5T_C_S1), H5Tclose);
    require_written(H5Tset_size(type.get(), std::max<size_t>(text.size(), 1)));
    require_written(H5Tset_cset(type.get(), H5T_CSET_UTF8));
    require_written(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
    Hdf5Handle space = made(H5Screate(text.empty() ? H5S_NULL : H5S_SCALAR), H5Sclose);
    Hdf5Handle attribute =
        made(H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!text.empty()) require_written(H5Awrite(attribute.get(), type.get(), text.data()));
    close_all(attribute, space, type);
}

// What HDF5 would refuse, or read as something else.

void check_attributes(const std::map<std::string, std::string>& attributes, const fs::path& path) {
    for (const auto& [name, text] : attributes)
        if (name.empty() || text.size() > kLongestAttribute)
            throw InputError(fmt::format("cannot write {}: the attribute '{}' has no name or more than {} bytes",
                                         path.string(), name, kLongestAttribute));
}

void check_array(const std::string& name, const Shape& shape, const fs::path& path) {
    if (name.empty() || name.front() == '/' || name.back() == '/' || name.find("//") != std::string::npos ||
        shape.size() > kMostAxes)
        throw InputError(fmt::format("cannot write {}: the array '{}' has no usable name or more than {} axes",
                                     path.string(), name, kMostAxes));
}

/// The header of version 1.0: a Python dictionary, padded so that the data begin at a multiple of 64.
std::string npy_header(const Shape& shape) {
    std::string extents;
    for (int64_t extent : shape) extents += std::to_string(extent) + ", ";
    if (shape.size() > 1) extents.resize(extents.size() - 2);
    if (shape.size() == 1) extents.pop_back();
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + extents + "), }";
    constexpr size_t before = 10;
    header.resize((before + header.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
    return header + "\n";
}

}  // namespace

struct ArrayWriter::State {
    fs::path path;
    std::shared_ptr<NewFile> file;
    std::optional<Hdf5File> hdf5{};

    explicit State(const fs::path& target) : path(target), file(std::make_shared<NewFile>(target)) {}
    ~State() {
        const Hdf5Turn turn;
        hdf5.reset();
    }

    /// Calls HDF5. What the disk has said comes first.
    template <class Work>
    void write(const Work& work) {
        const Hdf5Turn turn;
        try {
            work();
        } catch (const RunError& error) {
            if (hdf5) hdf5->storage().check();
            throw RunError("cannot write " + path.string() + ": " + error.what());
        }
        hdf5->storage().check();
    }
};

ArrayWriter::ArrayWriter(const fs::path& path, const std::map<std::string, std::string>& attributes) {
    check_attributes(attributes, path);
    state_ = std::make_unique<State>(path);
    Hdf5Storage storage;
    storage.read = [file = state_->file](uint64_t offset, std::span<char> target) {
        return file->read_at(offset, target);
    };
    storage.write = [file = state_->file](uint64_t offset, std::string_view bytes) { file->write_at(offset, bytes); };
    storage.resize = [file = state_->file](uint64_t size) { file->resize(size); };
    state_->write([&] {
        state_->hdf5.emplace(std::move(storage), kChecksumBlockSize);
        for (const auto& [name, text] : attributes) write_attribute(state_->hdf5->get(), name, text);
    });
}

ArrayWriter::~ArrayWriter() = default;

template <class T>
void ArrayWriter::add(const std::string& name, const ArrayView<T>& array) {
    check_array(name, array.shape, state_->path);
    state_->write([&] { write_array(state_->hdf5->get(), name, array); });
}

template void ArrayWriter::add<float>(const std::string&, const ArrayView<float>&);
template void ArrayWriter::add<double>(const std::string&, const ArrayView<double>&);
template void ArrayWriter::add<int64_t>(const std::string&, const ArrayView<int64_t>&);
template void ArrayWriter::add<uint8_t>(const std::string&, const ArrayView<uint8_t>&);
template void ArrayWriter::add<uint16_t>(const std::string&, const ArrayView<uint16_t>&);

void ArrayWriter::finish() {
    state_->write([&] { state_->hdf5->close(); });
    NewFile& file = *state_->file;
    file.write_at(
        0, checksum_block([&](uint64_t offset, std::span<char> target) { return file.read_at(offset, target); }));
    file.put_in_place();
}

void write_arrays(const fs::path& path, const ArrayFile& contents) {
    ArrayWriter writer(path, contents.attributes);
    for (const auto& [name, any] : contents.arrays)
        std::visit([&, &key = name](const auto& array) { writer.add(key, ArrayView(array)); }, any);
    writer.finish();
}

std::string npy_bytes(const ArrayView<float>& array) {
    const std::string header = npy_header(array.shape);
    std::string bytes = "\x93NUMPY\x01";
    bytes += '\0';
    bytes += static_cast<char>(header.size() & 0xFF);
    bytes += static_cast<char>(header.size() >> 8);
    bytes += header;
    bytes.append(reinterpret_cast<const char*>(array.data.data()), array.data.size() * sizeof(float));
    return bytes;
}

void write_npy(const fs::path& path, const ArrayView<float>& array) { write_file(path, npy_bytes(array)); }

}  // namespace spikelens
