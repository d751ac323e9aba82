#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace spikelens {

/// The Python that has libraries by others (./run peers torch): of the folder in SPIKELENS_PEERS, else of build/peers.
inline std::string peers_python(const std::string& source_folder) {
    const char* folder = std::getenv("SPIKELENS_PEERS");
    return (std::filesystem::path(folder ? folder : source_folder + "/build/peers") / "bin/python").string();
}

inline bool has_module(const std::string& python, const std::string& module) {
    return std::system((python + " -c 'import " + module + "' > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace spikelens
