#include "nir_hdf5.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

#include <hdf5.h>

#include "io/hdf5_image.h"
#include "nir_child.h"
#include "nir_message.h"

namespace spikelens {
namespace {

constexpr int kMostDepth = 24;
constexpr uint64_t kMostObjects = 50'000;
constexpr uint64_t kMostBytes = uint64_t{1} << 30;  ///< of all numbers and texts, as they are sent
constexpr uint64_t kAlwaysAllowed = uint64_t{1} << 26;
constexpr uint64_t kUsualCompression = 64;  ///< of numbers, which are sent as 8 bytes each
constexpr size_t kLongestText = 1 << 16;
constexpr int kMostAxes = 32;
constexpr uint64_t kCompressedFrom = 4096;
constexpr size_t kSendAt = 1 << 20;

using Handle = Hdf5Handle;

/// What is wrong with the file. Thrown and caught here alone.
struct Damage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void require(bool condition, const std::string& what) {
    if (!condition) throw Damage(what);
}

/// HDF5 prints its errors and loads plugins that a file asks for: here it does neither.
void tame_hdf5() {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);
}

struct Link {
    std::string name;
    bool hard = false;
};

herr_t collect_link(hid_t, const char* name, const H5L_info_t* link, void* links) {
    try {
        static_cast<std::vector<Link>*>(links)->push_back({name, link->type == H5L_TYPE_HARD});
        return 0;
    } catch (...) {
        return -1;  // nothing may be thrown through HDF5
    }
}

class Reader {
  public:
    Reader(hid_t file, int descriptor) : file_(file), descriptor_(descriptor) {}

    void run() {
        hsize_t size = 0;
        require(H5Fget_filesize(file_, &size) >= 0, "its size cannot be told");
        bytes_allowed_ =
            std::min(kMostBytes, kAlwaysAllowed + std::min<uint64_t>(size, kMostBytes) * kUsualCompression);
        group(file_, "", 0);
        message_ += kMessageEnd;
        send();
    }

  private:
    void group(hid_t id, const std::string& path, int depth) {
        require(depth < kMostDepth, "its groups are nested too deeply");
        std::vector<Link> links;
        require(H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_link, &links) >= 0,
                path.empty() ? "its groups cannot be read" : "the group " + path + " cannot be read");
        for (const Link& link : links) {
            const std::string place = path.empty() ? link.name : path + "/" + link.name;
            require(link.hard, place + " is a link to elsewhere");
            require(++objects_ <= kMostObjects && place.size() <= kLongestText, "it has too many or too long names");
            object(id, link.name, place, depth);
        }
    }

    void object(hid_t parent, const std::string& name, const std::string& place, int depth) {
        const Handle id(H5Oopen(parent, name.c_str(), H5P_DEFAULT), H5Oclose);
        const H5I_type_t kind = id.valid() ? H5Iget_type(id.get()) : H5I_BADID;
        if (kind == H5I_GROUP) return group(id.get(), place, depth + 1);
        if (kind == H5I_DATATYPE) return;
        require(kind == H5I_DATASET, place + " cannot be read");
        append_value(message_, place, dataset(id.get(), place));
        if (message_.size() > kSendAt) send();
    }

    NirValue dataset(hid_t id, const std::string& place) {
        const Handle creation(H5Dget_create_plist(id), H5Pclose);
        require(creation.valid() && H5Pget_layout(creation.get()) != H5D_VIRTUAL &&
                    (H5Pget_layout(creation.get()) != H5D_CONTIGUOUS || H5Pget_external_count(creation.get()) == 0),
                place + " keeps its data in other files");
        const Handle type(H5Dget_type(id), H5Tclose);
        const Handle space(H5Dget_space(id), H5Sclose);
        require(type.valid() && space.valid(), place + " cannot be read");
        NirValue value;
        value.type = nir_type(type.get());
        if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) value.type = NirType::other;
        if (value.type == NirType::other) return value;
        const uint64_t count = read_shape(space.get(), place, value.shape);
        if (value.type == NirType::text)
            read_texts(id, type.get(), space.get(), count, place, value.texts);
        else
            read_numbers(id, count, place, value.numbers);
        return value;
    }

    static NirType nir_type(hid_t type) {
        switch (H5Tget_class(type)) {
            case H5T_FLOAT:
                return H5Tget_size(type) <= 4 ? NirType::float32 : NirType::float64;
            case H5T_INTEGER:
                return NirType::int64;
            case H5T_STRING:
                return NirType::text;
            default:
                return NirType::other;
        }
    }

    /// The number of elements; what they need is taken off the bytes allowed.
    uint64_t read_shape(hid_t space, const std::string& place, Shape& shape) {
        const int axes = H5Sget_simple_extent_ndims(space);
        require(axes >= 0 && axes <= kMostAxes, place + " has too many axes");
        std::vector<hsize_t> extents(static_cast<size_t>(axes));
        if (axes > 0)
            require(H5Sget_simple_extent_dims(space, extents.data(), nullptr) >= 0, place + " cannot be read");
        uint64_t bytes = sizeof(double);
        bool empty = false;
        for (hsize_t extent : extents) {
            const bool overflow = __builtin_mul_overflow(bytes, std::max<uint64_t>(extent, 1), &bytes);
            require(!overflow && bytes <= kMostBytes, place + " is larger than 1 GiB");
            empty |= extent == 0;
        }
        shape.assign(extents.begin(), extents.end());
        spend(empty ? 0 : bytes);
        return empty ? 0 : bytes / sizeof(double);
    }

    void spend(uint64_t bytes) {
        require(bytes <= bytes_allowed_, "its contents are larger than 1 GiB, or than the file can hold");
        bytes_allowed_ -= bytes;
    }

    static void read_numbers(hid_t id, uint64_t count, const std::string& place, std::vector<double>& numbers) {
        numbers.resize(count);
        if (count == 0) return;
        require(H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0,
                place + " cannot be read");
    }

    void read_texts(hid_t id, hid_t type, hid_t space, uint64_t count, const std::string& place,
                    std::vector<std::string>& texts) {
        if (count == 0) return;
        if (H5Tis_variable_str(type) > 0) return read_variable_texts(id, type, space, count, place, texts);
        const size_t length = H5Tget_size(type);
        require(length > 0 && length <= kLongestText, place + " has too long texts");
        spend(count * length);
        std::string bytes(count * length, '\0');
        require(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0, place + " cannot be read");
        const bool spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
        for (uint64_t i = 0; i < count; ++i) {
            std::string text = bytes.substr(i * length, length);
            text.resize(std::min(text.size(), text.find('\0')));
            while (spaces && text.ends_with(' ')) text.pop_back();
            texts.push_back(std::move(text));
        }
    }

    void read_variable_texts(hid_t id, hid_t type, hid_t space, uint64_t count, const std::string& place,
                             std::vector<std::string>& texts) {
        const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
        H5Tset_size(memory.get(), H5T_VARIABLE);
        H5Tset_cset(memory.get(), H5Tget_cset(type));
        std::vector<char*> pointers(count, nullptr);
        require(H5Dread(id, memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0,
                place + " cannot be read");
        for (const char* text : pointers) {
            texts.emplace_back(text ? text : "");
            require(texts.back().size() <= kLongestText, place + " has too long texts");
            spend(texts.back().size());
        }
        H5Dvlen_reclaim(memory.get(), space, H5P_DEFAULT, pointers.data());
    }

    void send() {
        write_or_exit(descriptor_, message_.data(), message_.size());
        message_.clear();
    }

    hid_t file_;
    int descriptor_;
    std::string message_;
    uint64_t objects_ = 0, bytes_allowed_ = 0;
};

hid_t file_type(NirType type) {
    switch (type) {
        case NirType::float32:
            return H5T_IEEE_F32LE;
        case NirType::int64:
            return H5T_STD_I64LE;
        default:
            return H5T_IEEE_F64LE;
    }
}

void write_value(hid_t file, const std::string& path, const NirValue& value) {
    Handle links = made(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    require_written(H5Pset_create_intermediate_group(links.get(), 1));
    Handle creation = untimed(H5P_DATASET_CREATE);
    const std::vector<hsize_t> extents(value.shape.begin(), value.shape.end());
    Handle space = made(extents.empty() ? H5Screate(H5S_SCALAR)
                                        : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                        H5Sclose);
    if (value.numbers.size() * sizeof(double) > kCompressedFrom) {
        require_written(H5Pset_chunk(creation.get(), static_cast<int>(extents.size()), extents.data()));
        require_written(H5Pset_shuffle(creation.get()));
        require_written(H5Pset_deflate(creation.get(), 4));
    }
    Handle text = made(H5Tcopy(H5T_C_S1), H5Tclose);
    require_written(H5Tset_size(text.get(), H5T_VARIABLE));
    require_written(H5Tset_cset(text.get(), H5T_CSET_UTF8));
    const bool is_text = value.type == NirType::text;
    Handle dataset = made(H5Dcreate2(file, path.c_str(), is_text ? text.get() : file_type(value.type), space.get(),
                                     links.get(), creation.get(), H5P_DEFAULT),
                          H5Dclose);
    std::vector<const char*> pointers;
    for (const std::string& one : value.texts) pointers.push_back(one.c_str());
    const void* data = is_text ? static_cast<const void*>(pointers.data()) : value.numbers.data();
    require_written(
        H5Dwrite(dataset.get(), is_text ? text.get() : H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    close_all(dataset, text, space, creation, links);
}

std::string image_of(const NirValues& values) {
    return hdf5_image(0, [&](hid_t file) {
        for (const auto& [place, value] : values) write_value(file, place, value);
    });
}

/// HDF5 takes an interrupted call for a failure.
hid_t open_to_read(const std::string& path) {
    for (;;) {
        errno = 0;
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
        if (file >= 0 || errno != EINTR) return file;
    }
}

/// Runs `work`; what it throws becomes an error in the message.
template <class Work>
void guarded(int descriptor, Work work) {
    std::string message;
    try {
        tame_hdf5();
        work();
        return;
    } catch (const std::bad_alloc&) {
        append_error(message, "it asks for more memory than it may have");
    } catch (const std::exception& error) {
        append_error(message, error.what());
    }
    message += kMessageEnd;
    write_or_exit(descriptor, message.data(), message.size());
}

}  // namespace

void send_hdf5(const std::string& path, int descriptor) {
    guarded(descriptor, [&] {
        const Handle file(open_to_read(path), H5Fclose);
        require(file.valid(), "HDF5 cannot open it");
        Reader(file.get(), descriptor).run();
    });
}

void send_hdf5_image(const NirValues& values, int descriptor) {
    guarded(descriptor, [&] {
        std::string message;
        append_image(message, image_of(values));
        message += kMessageEnd;
        write_or_exit(descriptor, message.data(), message.size());
    });
}

}  // namespace spikelens
