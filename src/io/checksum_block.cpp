#include "checksum_block.h"

#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/io/sha256.h"

namespace spikelens {

std::string checksum_block(const ReadAt& file) {
    Sha256 hash;
    std::vector<char> part(1 << 20);
    uint64_t offset = kChecksumBlockSize;
    while (const size_t got = file(offset, part)) {
        hash.add(part.data(), got);
        offset += got;
    }
    std::string text = "Spikelens arrays, SHA-256 of the rest: " + hash.hex() + "\n";
    text.resize(kChecksumBlockSize, '\0');
    return text;
}

void verify_checksum_block(const ReadAt& file, const std::filesystem::path& path) {
    std::string block(kChecksumBlockSize, '\0');
    block.resize(file(0, block));
    if (!block.starts_with("Spikelens arrays, "))
        throw InputError(path.string() + " is not an array file of Spikelens");
    if (block != checksum_block(file))
        throw InputError(path.string() + " is damaged: its checksum does not match, write it again");
}

}  // namespace spikelens
