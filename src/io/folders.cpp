#include "spikelens/io/folders.h"

#include <string>
#include <system_error>

#include "spikelens/core/error.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

std::string cannot_read(const fs::path& folder, const std::error_code& error) {
    return "cannot read the folder " + folder.string() + ": " + error.message();
}

}  // namespace

std::vector<fs::directory_entry> entries_of(const fs::path& folder, const WantedEntry& wanted, size_t most) {
    std::vector<fs::directory_entry> found;
    std::error_code error;
    do {  // once more from its start when a signal interrupts it: the iterator is at its end then
        found.clear();
        auto entry = fs::directory_iterator(folder, error);
        if (error && error != std::errc::interrupted) throw InputError(cannot_read(folder, error));
        while (!error && entry != fs::directory_iterator() && found.size() < most) {
            if (wanted(*entry)) found.push_back(*entry);
            entry.increment(error);
        }
    } while (error == std::errc::interrupted);
    if (error) throw RunError(cannot_read(folder, error));
    return found;
}

}  // namespace spikelens
