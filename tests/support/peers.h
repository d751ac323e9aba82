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

/// Whether it is installed; it is not loaded, which takes seconds.
inline bool has_module(const std::string& python, const std::string& module) {
    const std::string asks =
        "import importlib.util, sys; sys.exit(importlib.util.find_spec(\"" + module + "\") is None)";
    return std::system((python + " -c '" + asks + "' > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace spikelens
