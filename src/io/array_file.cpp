#include "spikelens/io/array_file.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "checksum_block.h"
#include "hdf5_type.h"
#include "io/hdf5_image.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kCompressedFrom = 4096;   // bytes; smaller arrays are kept as they are
constexpr hsize_t kLargestChunk = 1 << 20;  // bytes
constexpr int kDeflateLevel = 4;
constexpr size_t kLongestAttribute = 60'000;  // HDF5 keeps attributes in 64 KB headers
constexpr int kMostAxes = 8;
constexpr uint64_t kMostBytes = uint64_t{1} << 33;
constexpr uint64_t kBestCompression = 1100;  // deflate gains at most 1032 : 1

/// HDF5 as Debian builds it is not safe for threads; our calls take turns.
std::mutex& hdf5_mutex() {
    static std::mutex mutex;
    return mutex;
}

// Writing.

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
void write_array(hid_t file, const std::string& name, const Array<T>& array) {
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
    Hdf5Handle dataset = made(
        H5Dcreate2(file, name.c_str(), Hdf5Type<T>::file(), space.get(), links.get(), creation.get(), H5P_DEFAULT), H5Dclose);
    if (!array.empty())
        require_written(H5Dwrite(dataset.get(), Hdf5Type<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()));
    close_all(dataset, links, creation, space);
}

void write_attribute(hid_t file, const std::string& name, const std::string& text) {
    Hdf5Handle type = made(H5Tcopy(H5T_C_S1), H5Tclose);
    require_written(H5Tset_size(type.get(), std::max<size_t>(text.size(), 1)));
    require_written(H5Tset_cset(type.get(), H5T_CSET_UTF8));
    require_written(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
    Hdf5Handle space = made(H5Screate(text.empty() ? H5S_NULL : H5S_SCALAR), H5Sclose);
    Hdf5Handle attribute = made(H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!text.empty()) require_written(H5Awrite(attribute.get(), type.get(), text.data()));
    close_all(attribute, space, type);
}

void fill(hid_t file, const ArrayFile& contents) {
    for (const auto& [name, text] : contents.attributes) write_attribute(file, name, text);
    for (const auto& [name, any] : contents.arrays)
        std::visit([&, &key = name](const auto& array) { write_array(file, key, array); }, any);
}

/// What HDF5 would refuse, or read as something else.
void check_contents(const ArrayFile& contents, const fs::path& path) {
    for (const auto& [name, text] : contents.attributes)
        if (name.empty() || text.size() > kLongestAttribute)
            throw InputError(fmt::format("cannot write {}: the attribute '{}' has no name or more than {} bytes", path.string(),
                                         name, kLongestAttribute));
    for (const auto& [name, any] : contents.arrays) {
        const size_t axes = std::visit([](const auto& array) { return array.shape.size(); }, any);
        if (name.empty() || name.front() == '/' || name.back() == '/' || name.find("//") != std::string::npos ||
            axes > kMostAxes)
            throw InputError(fmt::format("cannot write {}: the array '{}' has no usable name or more than {} axes",
                                         path.string(), name, kMostAxes));
    }
}

// Reading. The checksum has matched, so failures mean a file that was made to mislead: it still must not harm.

struct Reading {
    hid_t file;
    std::string where;
    uint64_t bytes_allowed;  ///< for arrays: what the file's size can hold when compressed

    [[noreturn]] void fail(const std::string& what) const { throw InputError(where + ": " + what); }
    void require(bool condition, const std::string& what) const {
        if (!condition) fail(what);
    }
};

herr_t collect_link(hid_t, const char* name, const H5L_info_t* link, void* names) {
    static_cast<std::map<std::string, bool>*>(names)->emplace(name, link->type == H5L_TYPE_HARD);
    return 0;
}

/// Only data inside the file, only the filters we write: no other file is opened, no plugin loaded.
void check_storage(const Reading& reading, hid_t dataset, const std::string& name) {
    const Hdf5Handle creation(H5Dget_create_plist(dataset), H5Pclose);
    const H5D_layout_t layout = H5Pget_layout(creation.get());
    const bool inside = (layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED) && H5Pget_external_count(creation.get()) == 0;
    reading.require(inside, "the array " + name + " is stored outside the file");
    for (int i = 0; i < H5Pget_nfilters(creation.get()); ++i) {
        unsigned flags = 0, configuration = 0;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &configuration);
        reading.require(filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE,
                        "the array " + name + " has an unknown compression");
    }
}

Shape read_shape(Reading& reading, hid_t space, size_t element_size, const std::string& name) {
    const int axes = H5Sget_simple_extent_ndims(space);
    reading.require(axes >= 0 && axes <= kMostAxes, "the array " + name + " has too many axes");
    std::vector<hsize_t> extents(static_cast<size_t>(axes));
    if (axes > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
    uint64_t bytes = element_size;
    for (hsize_t extent : extents) {
        const bool overflow = __builtin_mul_overflow(bytes, std::max<uint64_t>(extent, 1), &bytes);
        reading.require(!overflow && bytes <= kMostBytes, "the array " + name + " is larger than 8 GiB");
    }
    Shape shape(extents.begin(), extents.end());
    if (element_count(shape) == 0) return shape;
    reading.require(bytes <= reading.bytes_allowed, "the array " + name + " is larger than the file can hold");
    reading.bytes_allowed -= bytes;
    return shape;
}

template <class T>
bool read_as(Reading& reading, hid_t dataset, hid_t type, const std::string& name, AnyArray& result) {
    if (H5Tequal(type, Hdf5Type<T>::file()) <= 0) return false;
    const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
    Array<T> array;
    if (H5Sget_simple_extent_type(space.get()) != H5S_NULL) {
        array = Array<T>(read_shape(reading, space.get(), sizeof(T), name));
        if (!array.empty())
            reading.require(H5Dread(dataset, Hdf5Type<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()) >= 0,
                            "the array " + name + " cannot be read");
    }
    result = std::move(array);
    return true;
}

AnyArray read_dataset(Reading& reading, hid_t dataset, const std::string& name) {
    check_storage(reading, dataset, name);
    const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
    AnyArray result;
    const bool known = read_as<float>(reading, dataset, type.get(), name, result) ||
                       read_as<double>(reading, dataset, type.get(), name, result) ||
                       read_as<int64_t>(reading, dataset, type.get(), name, result) ||
                       read_as<uint8_t>(reading, dataset, type.get(), name, result) ||
                       read_as<uint16_t>(reading, dataset, type.get(), name, result);
    reading.require(known, "the array " + name + " is not float32, float64, int64, uint8 or uint16");
    return result;
}

void read_all_arrays(Reading& reading, ArrayFile& contents) {
    std::map<std::string, bool> links;
    reading.require(H5Lvisit(reading.file, H5_INDEX_NAME, H5_ITER_INC, collect_link, &links) >= 0, "its groups cannot be read");
    for (const auto& [name, hard] : links) {
        reading.require(hard, name + " is a link to elsewhere");
        const Hdf5Handle object(H5Oopen(reading.file, name.c_str(), H5P_DEFAULT), H5Oclose);
        const H5I_type_t kind = object.valid() ? H5Iget_type(object.get()) : H5I_BADID;
        if (kind == H5I_GROUP) continue;
        reading.require(kind == H5I_DATASET, name + " is neither a group nor an array");
        contents.arrays[name] = read_dataset(reading, object.get(), name);
    }
}

std::string attribute_text(const Reading& reading, hid_t attribute, const std::string& name) {
    const Hdf5Handle type(H5Aget_type(attribute), H5Tclose);
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose);
    reading.require(H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0,
                    "the attribute " + name + " is not a text");
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return "";
    std::string text(H5Tget_size(type.get()), '\0');
    const bool fits = H5Sget_simple_extent_npoints(space.get()) == 1 && text.size() <= kLongestAttribute;
    reading.require(fits && H5Aread(attribute, type.get(), text.data()) >= 0, "the attribute " + name + " cannot be read");
    return text;
}

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
}

std::map<std::string, std::string> read_attributes(const Reading& reading) {
    std::map<std::string, std::string> attributes;
    std::vector<std::string> names;
    const herr_t status = H5Aiterate2(reading.file, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_attribute, &names);
    reading.require(status >= 0, "its attributes cannot be read");
    for (const std::string& name : names) {
        const Hdf5Handle attribute(H5Aopen(reading.file, name.c_str(), H5P_DEFAULT), H5Aclose);
        reading.require(attribute.valid(), "the attribute " + name + " cannot be read");
        attributes[name] = attribute_text(reading, attribute.get(), name);
    }
    return attributes;
}

/// What `read` finds in the file, whose checksum has been compared.
template <class Read>
auto read_checked(const fs::path& path, const Read& read) {
    std::string bytes = read_file(path, kMostBytes);
    verify_checksum_block(bytes, path);
    const std::lock_guard turn(hdf5_mutex());
    const QuietHdf5 quiet;
    const Hdf5Image file(std::move(bytes));
    if (!file.valid()) throw InputError(path.string() + " cannot be read as HDF5");
    Reading reading{file.get(), path.string(), file.size() * kBestCompression};
    return read(reading);
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

template <class T>
const Array<T>& ArrayFile::get(const std::string& name) const {
    const auto found = arrays.find(name);
    if (found == arrays.end()) throw InputError(fmt::format("{}: the array {} is missing", source.string(), name));
    const auto* array = std::get_if<Array<T>>(&found->second);
    if (!array) throw InputError(fmt::format("{}: the array {} is not {}", source.string(), name, Hdf5Type<T>::name));
    return *array;
}

template const FloatArray& ArrayFile::get<float>(const std::string&) const;
template const DoubleArray& ArrayFile::get<double>(const std::string&) const;
template const Array<int64_t>& ArrayFile::get<int64_t>(const std::string&) const;
template const Array<uint8_t>& ArrayFile::get<uint8_t>(const std::string&) const;
template const Array<uint16_t>& ArrayFile::get<uint16_t>(const std::string&) const;

void write_arrays(const fs::path& path, const ArrayFile& contents) {
    check_contents(contents, path);
    std::string image;
    try {
        const std::lock_guard turn(hdf5_mutex());
        const QuietHdf5 quiet;
        image = hdf5_image(kChecksumBlockSize, [&](hid_t file) { fill(file, contents); });
    } catch (const RunError& error) {
        throw RunError("cannot write " + path.string() + ": " + error.what());
    }
    image.replace(0, kChecksumBlockSize, checksum_block(image));
    write_file(path, image);
}

ArrayFile read_arrays(const fs::path& path) {
    return read_checked(path, [&](Reading& reading) {
        ArrayFile contents;
        contents.source = path;
        contents.attributes = read_attributes(reading);
        read_all_arrays(reading, contents);
        return contents;
    });
}

std::map<std::string, std::string> read_array_attributes(const fs::path& path) {
    return read_checked(path, [](const Reading& reading) { return read_attributes(reading); });
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
