#pragma once

#include <string>

namespace spikelens {

/// Loads a library of ours that not every program waits for, libspikelens_<name>-<version>.so; programs look for it
/// where they were built, or in lib/spikelens beside the `bin` they are installed in. It stays. Both sides lay out the
/// same structs, so it must bear the stamp that its user bears. Returns its function spikelens_<name>. Throws RunError,
/// whose sentence begins with `who` ("training needs Spikelens' training library").
void* load_module(const std::string& name, const std::string& stamp, const std::string& who);

}  // namespace spikelens
