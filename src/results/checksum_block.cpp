#include "checksum_block.h"

#include <fstream>
#include <string>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/model_io/sha256.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

std::string block_text(std::istream& file) {
    file.clear();
    file.seekg(checksum_block_size);
    Sha256 hash;
    std::vector<char> buffer(1 << 20);
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0)
        hash.add(buffer.data(), static_cast<size_t>(file.gcount()));
    std::string text = "Spikelens arrays, SHA-256 of the rest: " + hash.hex() + "\n";
    text.resize(checksum_block_size, '\0');
    return text;
}

}  // namespace

void write_checksum_block(const fs::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const std::string text = block_text(file);
    file.clear();
    file.seekp(0);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.flush();
    if (!file) throw RunError("cannot write " + path.string());
}

uint64_t verify_checksum_block(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error)) throw InputError("there is no file " + path.string());
    if (!fs::is_regular_file(path, error)) throw InputError(path.string() + " is not a file");
    std::ifstream file(path, std::ios::binary);
    if (!file) throw InputError("cannot read " + path.string());
    std::string stated(checksum_block_size, '\0');
    file.read(stated.data(), static_cast<std::streamsize>(stated.size()));
    if (!stated.starts_with("Spikelens arrays, ")) throw InputError(path.string() + " is not an array file of Spikelens");
    if (stated != block_text(file))
        throw InputError(path.string() + " is damaged: its checksum does not match, write it again");
    return fs::file_size(path);
}

}  // namespace spikelens
