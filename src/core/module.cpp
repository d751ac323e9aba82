#include "module.h"

#include <dlfcn.h>

#include "spikelens/core/error.h"
#include "spikelens/core/version.h"

namespace spikelens {
namespace {

/// Of the library that has this symbol.
std::string path_of(const void* symbol) {
    Dl_info info{};
    return ::dladdr(symbol, &info) != 0 ? info.dli_fname : "that was found";
}

}  // namespace

void* load_module(const std::string& name, const std::string& stamp, const std::string& who) {
    const std::string file = "libspikelens_" + name + "-" + std::string(version) + ".so",
                      function = "spikelens_" + name;
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const found = library ? ::dlsym(library, function.c_str()) : nullptr;
    if (!found) throw RunError(who + ", which could not be loaded: " + ::dlerror());
    const auto* const own_stamp = static_cast<const char*>(::dlsym(library, (function + "_stamp").c_str()));
    if (!own_stamp || own_stamp != stamp)
        throw RunError(
            "the library " + path_of(found) +
            " belongs to another build of Spikelens; expected the one that was built or installed with this program");
    return found;
}

}  // namespace spikelens
