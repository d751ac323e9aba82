#include "checksum_block.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/io/sha256.h"

namespace spikelens {

std::string checksum_block(std::string_view file) {
    const std::string_view rest = file.substr(std::min(file.size(), kChecksumBlockSize));
    Sha256 hash;
    hash.add(rest.data(), rest.size());
    std::string text = "Spikelens arrays, SHA-256 of the rest: " + hash.hex() + "\n";
    text.resize(kChecksumBlockSize, '\0');
    return text;
}

void verify_checksum_block(std::string_view file, const std::filesystem::path& path) {
    if (!file.starts_with("Spikelens arrays, ")) throw InputError(path.string() + " is not an array file of Spikelens");
    if (file.substr(0, kChecksumBlockSize) != checksum_block(file))
        throw InputError(path.string() + " is damaged: its checksum does not match, write it again");
}

}  // namespace spikelens
