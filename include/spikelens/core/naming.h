#pragma once

#include <filesystem>
#include <string>

#include "spikelens/core/error.h"

namespace spikelens {

/// What `work` returns. An InputError whose sentence does not hold the file's name gets "PATH: " before it: for work on
/// what a file says, by functions that know no files.
template <class Work>
auto naming(const std::filesystem::path& path, const Work& work) {
    try {
        return work();
    } catch (const InputError& error) {
        const std::string sentence = error.what();
        if (sentence.find(path.string()) != std::string::npos) throw;
        throw InputError(path.string() + ": " + sentence);
    }
}

}  // namespace spikelens
