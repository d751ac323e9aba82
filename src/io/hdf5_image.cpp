#include "hdf5_image.h"

namespace spikelens {
namespace {

constexpr size_t kGrownBy = 1 << 20;                             // bytes
constexpr const char* kNoFile = "/dev/null/an image in memory";  ///< HDF5 wants a name, and that there is no such file

Hdf5Handle in_memory() {
    Hdf5Handle access = made(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    require_written(H5Pset_fapl_core(access.get(), kGrownBy, false));  // never to a disk
    return access;
}

/// HDF5 gives what lies behind the user block.
std::string image_of(hid_t file, size_t user_block) {
    const ssize_t size = H5Fget_file_image(file, nullptr, 0);
    if (size < 0) throw RunError("HDF5 cannot write");
    std::string bytes(user_block + static_cast<size_t>(size), '\0');
    if (H5Fget_file_image(file, bytes.data() + user_block, static_cast<size_t>(size)) != size)
        throw RunError("HDF5 cannot write");
    return bytes;
}

}  // namespace

Hdf5Handle untimed(hid_t kind) {
    Hdf5Handle properties = made(H5Pcreate(kind), H5Pclose);
    require_written(H5Pset_obj_track_times(properties.get(), false));
    return properties;
}

std::string hdf5_image(size_t user_block, const std::function<void(hid_t file)>& fill) {
    Hdf5Handle creation = untimed(H5P_FILE_CREATE);
    require_written(H5Pset_userblock(creation.get(), user_block));
    Hdf5Handle access = in_memory();
    Hdf5Handle file = made(H5Fcreate(kNoFile, H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
    fill(file.get());
    require_written(H5Fflush(file.get(), H5F_SCOPE_LOCAL));
    std::string image = image_of(file.get(), user_block);
    close_all(file, access, creation);
    return image;
}

std::mutex& Hdf5Turn::mutex() {
    static std::mutex one;
    return one;
}

}  // namespace spikelens
