#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"

#include "array_limits.h"
#include "checksum_block.h"
#include "hdf5_file.h"
#include "hdf5_type.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 33;
constexpr uint64_t kBestCompression = 1100;  // deflate gains at most 1032 : 1

// The checksum has matched, so failures mean a file that was made to mislead: it still must not harm.

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
    const bool inside =
        (layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED) && H5Pget_external_count(creation.get()) == 0;
    reading.require(inside, "the array " + name + " is stored outside the file");
    for (int i = 0; i < H5Pget_nfilters(creation.get()); ++i) {
        unsigned flags = 0, configuration = 0;
        size_t values = 0;
        const H5Z_filter_t filter = H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &values, nullptr,
                                                   0, nullptr, &configuration);
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
            reading.require(
                H5Dread(dataset, Hdf5Type<T>::memory(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data.data()) >= 0,
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

/// Each part of the path is there, and lies in this file. Throws InputError.
void check_path(const Reading& reading, const std::string& name) {
    for (size_t end = 0; end != std::string::npos;) {
        end = name.find('/', end + 1);
        const std::string part = name.substr(0, end);
        H5L_info_t link{};
        reading.require(H5Lget_info(reading.file, part.c_str(), &link, H5P_DEFAULT) >= 0,
                        "the array " + name + " is missing");
        reading.require(link.type == H5L_TYPE_HARD, part + " is a link to elsewhere");
    }
}

/// Everything in the file: nothing in it leads elsewhere.
std::vector<std::string> read_names(const Reading& reading) {
    std::map<std::string, bool> links;
    reading.require(H5Lvisit(reading.file, H5_INDEX_NAME, H5_ITER_INC, collect_link, &links) >= 0,
                    "its groups cannot be read");
    std::vector<std::string> names;
    for (const auto& [name, hard] : links) {
        reading.require(hard, name + " is a link to elsewhere");
        const Hdf5Handle object(H5Oopen(reading.file, name.c_str(), H5P_DEFAULT), H5Oclose);
        const H5I_type_t kind = object.valid() ? H5Iget_type(object.get()) : H5I_BADID;
        if (kind == H5I_GROUP) continue;
        reading.require(kind == H5I_DATASET, name + " is neither a group nor an array");
        names.push_back(name);
    }
    return names;
}

std::string attribute_text(const Reading& reading, hid_t attribute, const std::string& name) {
    const Hdf5Handle type(H5Aget_type(attribute), H5Tclose);
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose);
    reading.require(H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0,
                    "the attribute " + name + " is not a text");
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return "";
    std::string text(H5Tget_size(type.get()), '\0');
    const bool fits = H5Sget_simple_extent_npoints(space.get()) == 1 && text.size() <= kLongestAttribute;
    reading.require(fits && H5Aread(attribute, type.get(), text.data()) >= 0,
                    "the attribute " + name + " cannot be read");
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

}  // namespace

struct ArrayReader::State {
    std::shared_ptr<FileReader> file;
    std::optional<Hdf5File> hdf5{};
    std::optional<Reading> reading{};

    explicit State(const fs::path& path) : file(std::make_shared<FileReader>(path)) {}
    ~State() {
        const Hdf5Turn turn;
        hdf5.reset();
    }

    /// Calls HDF5. What the disk has said comes first.
    template <class Work>
    auto read(const Work& work) {
        const Hdf5Turn turn;
        try {
            return work();
        } catch (const InputError&) {
            if (hdf5) hdf5->storage().check();
            throw;
        }
    }
};

ArrayReader::ArrayReader(const fs::path& path) : source_(path), state_(std::make_unique<State>(path)) {
    Hdf5Storage storage;
    storage.size = state_->file->size();
    storage.read = [file = state_->file](uint64_t offset, std::span<char> target) {
        return file->read_at(offset, target);
    };
    verify_checksum_block(storage.read, path);
    state_->read([&] {
        const uint64_t size = storage.size;
        state_->hdf5.emplace(std::move(storage));
        if (!state_->hdf5->valid()) throw InputError(path.string() + " cannot be read as HDF5");
        state_->reading = Reading{state_->hdf5->get(), path.string(), size * kBestCompression};
        attributes_ = read_attributes(*state_->reading);
    });
}

ArrayReader::ArrayReader(ArrayReader&&) noexcept = default;
ArrayReader::~ArrayReader() = default;

std::vector<std::string> ArrayReader::names() const {
    return state_->read([&] { return read_names(*state_->reading); });
}

AnyArray ArrayReader::any(const std::string& name) const {
    return state_->read([&] {
        const hid_t file = state_->hdf5->get();
        check_path(*state_->reading, name);
        const Hdf5Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
        state_->reading->require(dataset.valid(), "the array " + name + " cannot be read");
        return read_dataset(*state_->reading, dataset.get(), name);
    });
}

namespace {

template <class T>
void require_type(const fs::path& source, const std::string& name, const AnyArray& any) {
    if (!std::holds_alternative<Array<T>>(any))
        throw InputError(fmt::format("{}: the array {} is not {}", source.string(), name, Hdf5Type<T>::kName));
}

}  // namespace

template <class T>
Array<T> ArrayReader::get(const std::string& name) const {
    AnyArray array = any(name);
    require_type<T>(source_, name, array);
    return std::get<Array<T>>(std::move(array));
}

template FloatArray ArrayReader::get<float>(const std::string&) const;
template DoubleArray ArrayReader::get<double>(const std::string&) const;
template Array<int64_t> ArrayReader::get<int64_t>(const std::string&) const;
template Array<uint8_t> ArrayReader::get<uint8_t>(const std::string&) const;
template Array<uint16_t> ArrayReader::get<uint16_t>(const std::string&) const;

template <class T>
const Array<T>& ArrayFile::get(const std::string& name) const {
    const auto found = arrays.find(name);
    if (found == arrays.end()) throw InputError(fmt::format("{}: the array {} is missing", source.string(), name));
    require_type<T>(source, name, found->second);
    return std::get<Array<T>>(found->second);
}

template const FloatArray& ArrayFile::get<float>(const std::string&) const;
template const DoubleArray& ArrayFile::get<double>(const std::string&) const;
template const Array<int64_t>& ArrayFile::get<int64_t>(const std::string&) const;
template const Array<uint8_t>& ArrayFile::get<uint8_t>(const std::string&) const;
template const Array<uint16_t>& ArrayFile::get<uint16_t>(const std::string&) const;

ArrayFile read_arrays(const fs::path& path) {
    const ArrayReader reader(path);
    ArrayFile contents;
    contents.source = path;
    contents.attributes = reader.attributes();
    for (const std::string& name : reader.names()) contents.arrays[name] = reader.any(name);
    return contents;
}

std::map<std::string, std::string> read_array_attributes(const fs::path& path) {
    return ArrayReader(path).attributes();
}

}  // namespace spikelens
