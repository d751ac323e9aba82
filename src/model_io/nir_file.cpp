#include "nir_file.h"

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/import.h"

#include "nir_child.h"
#include "nir_hdf5.h"
#include "nir_message.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

/// A look at the first bytes, so that what is not HDF5 at all is said plainly.
void require_hdf5(const fs::path& path) {
    if (begins_as(path) != "nir")
        throw InputError(path.string() + " is not a NIR file: it does not begin as HDF5 files do");
}

}  // namespace

NirValues read_nir_values(const fs::path& path) {
    require_hdf5(path);
    const std::string name = path.string();
    const ChildLimits limits = limits_for_file(fs::file_size(path));
    const ChildAnswer answer = run_in_child([&](int descriptor) { send_hdf5(name, descriptor); }, limits);
    NirMessage message = parse_message(answer.bytes);
    if (!message.error.empty()) throw InputError(fmt::format("{} is damaged: {}", name, message.error));
    if (!answer.failure.empty())
        throw InputError(fmt::format("{} is damaged: HDF5 {} while reading it", name, answer.failure));
    if (!message.complete) throw InputError(name + " is damaged: HDF5 broke off while reading it");
    return std::move(message.values);
}

void write_nir_values(const fs::path& path, const NirValues& values) {
    uint64_t size = 0;
    for (const auto& [place, value] : values) size += place.size() + value.numbers.size() * sizeof(double);
    const ChildAnswer answer =
        run_in_child([&](int descriptor) { send_hdf5_image(values, descriptor); }, limits_for_file(size));
    const NirMessage message = parse_message(answer.bytes);
    const std::string reason = !message.error.empty() ? message.error : "HDF5 " + answer.failure;
    if (!message.complete || !message.error.empty())
        throw RunError(fmt::format("cannot write {}: {}", path.string(), reason));
    write_file(path, message.image);
}

}  // namespace spikelens
