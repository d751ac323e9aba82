#include "hdf5_file.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

namespace spikelens {
namespace {

constexpr const char* kName = "/dev/null/a file in a storage";  ///< HDF5 wants one, and opens nothing by it

/// What HDF5 knows of an open file: its own part, then ours.
struct OpenFile {
    H5FD_t own{};
    Hdf5Storage* storage = nullptr;
    haddr_t end = 0;  ///< of what HDF5 has given out
};

Hdf5Storage& storage_of(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file)->storage; }

H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
    auto* const* storage = static_cast<Hdf5Storage* const*>(H5Pget_driver_info(access));
    return storage ? &(new OpenFile{.storage = *storage})->own : nullptr;
}

herr_t close(H5FD_t* file) {
    delete reinterpret_cast<OpenFile*>(file);
    return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

haddr_t end_of_given(const H5FD_t* file, H5FD_mem_t) { return reinterpret_cast<const OpenFile*>(file)->end; }

herr_t give_out(H5FD_t* file, H5FD_mem_t, haddr_t end) {
    reinterpret_cast<OpenFile*>(file)->end = end;
    return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return reinterpret_cast<const OpenFile*>(file)->storage->size; }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size, void* target) {
    return storage_of(file).give(offset, {static_cast<char*>(target), size}) ? 0 : -1;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size, const void* bytes) {
    storage_of(file).take(offset, {static_cast<const char*>(bytes), size});
    return 0;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
    storage_of(file).cut(reinterpret_cast<OpenFile*>(file)->end);
    return 0;
}

H5FD_class_t described() {
    constexpr std::array<H5FD_mem_t, H5FD_MEM_NTYPES> map = H5FD_FLMAP_DICHOTOMY;
    H5FD_class_t driver{};
    driver.name = "spikelens";
    driver.maxaddr = static_cast<haddr_t>(std::numeric_limits<int64_t>::max());
    driver.fc_degree = H5F_CLOSE_WEAK;
    driver.fapl_size = sizeof(void*);
    driver.open = open;
    driver.close = close;
    driver.query = query;
    driver.get_eoa = end_of_given;
    driver.set_eoa = give_out;
    driver.get_eof = end_of_file;
    driver.read = read;
    driver.write = write;
    driver.truncate = truncate;
    std::ranges::copy(map, std::begin(driver.fl_map));
    return driver;
}

Hdf5Handle in_storage(Hdf5Storage* storage) {
    static const H5FD_class_t description = described();
    static const hid_t driver = H5FDregister(&description);
    Hdf5Handle access = made(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    require_written(H5Pset_driver(access.get(), driver, &storage));
    return access;
}

}  // namespace

bool Hdf5Storage::give(uint64_t offset, std::span<char> target) noexcept {
    try {
        const size_t got = offset < size ? read(offset, target) : 0;
        std::ranges::fill(target.subspan(got), '\0');
    } catch (...) {
        if (!failure_) failure_ = std::current_exception();
        return false;
    }
    for (const auto& [first, bytes] : untaken_) {
        const uint64_t from = std::max(first, offset), to = std::min(first + bytes.size(), offset + target.size());
        if (from < to) std::copy_n(bytes.data() + (from - first), to - from, target.data() + (from - offset));
    }
    return true;
}

void Hdf5Storage::take(uint64_t offset, std::string_view bytes) {
    if (!failure_) try {
            write(offset, bytes);
        } catch (...) {
            failure_ = std::current_exception();
        }
    if (failure_) untaken_.emplace_back(offset, bytes);
    size = std::max(size, offset + bytes.size());
}

void Hdf5Storage::cut(uint64_t end) {
    if (!failure_ && end != size) try {
            resize(end);
        } catch (...) {
            failure_ = std::current_exception();
        }
    size = end;
}

Hdf5File::Hdf5File(Hdf5Storage storage, size_t user_block)
    : storage_(std::make_unique<Hdf5Storage>(std::move(storage))) {
    Hdf5Handle creation = untimed(H5P_FILE_CREATE);
    require_written(H5Pset_userblock(creation.get(), user_block));
    Hdf5Handle access = in_storage(storage_.get());
    file_ = H5Fcreate(kName, H5F_ACC_TRUNC, creation.get(), access.get());
    if (!valid()) throw RunError("HDF5 cannot write");
    close_all(access, creation);
}

Hdf5File::Hdf5File(Hdf5Storage storage) : storage_(std::make_unique<Hdf5Storage>(std::move(storage))) {
    const Hdf5Handle access = in_storage(storage_.get());
    file_ = H5Fopen(kName, H5F_ACC_RDONLY, access.get());
}

void Hdf5File::close() {
    if (H5Fclose(std::exchange(file_, -1)) >= 0) return;
    static_cast<void>(storage_.release());
    throw RunError("HDF5 cannot write");
}

Hdf5File::~Hdf5File() {
    if (valid() && H5Fclose(file_) < 0) static_cast<void>(storage_.release());
}

}  // namespace spikelens
