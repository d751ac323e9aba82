#include "hdf5_image.h"

namespace spikelens {
namespace {

constexpr size_t kGrownBy = 1 << 20;                             // bytes
constexpr const char* kNoFile = "/dev/null/an image in memory";  ///< HDF5 wants a name, and that there is no such file

// HDF5 copies an image twice, to its properties and from there. It is told to share the caller's bytes.

void* share(size_t, H5FD_file_image_op_t, void* bytes) { return bytes; }
void* keep(void* target, const void*, size_t, H5FD_file_image_op_t, void*) { return target; }
void* never_grow(void*, size_t, H5FD_file_image_op_t, void*) { return nullptr; }
herr_t leave(void*, H5FD_file_image_op_t, void*) { return 0; }
void* same(void* bytes) { return bytes; }
herr_t forget(void*) { return 0; }

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

Hdf5Image::Hdf5Image(std::string bytes) : bytes_(std::make_unique<std::string>(std::move(bytes))) {
    const Hdf5Handle access = in_memory();
    H5FD_file_image_callbacks_t callbacks{share, keep, never_grow, leave, same, forget, bytes_->data()};
    require_written(H5Pset_file_image_callbacks(access.get(), &callbacks));
    if (!bytes_->empty() && H5Pset_file_image(access.get(), bytes_->data(), bytes_->size()) >= 0)
        file_ = H5Fopen(kNoFile, H5F_ACC_RDONLY, access.get());
}

Hdf5Image::~Hdf5Image() {
    if (valid() && H5Fclose(file_) < 0) static_cast<void>(bytes_.release());
}

}  // namespace spikelens
