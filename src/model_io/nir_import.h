#pragma once

#include <string>

#include "spikelens/model_io/import.h"

#include "nir_values.h"

namespace spikelens {

/// import_nir of datasets that are in memory.
ImportedNetwork import_nir_values(const NirValues& values, const NirOptions& options, const std::string& where);

/// What export_nir writes. Throws InputError, opened by `where`, for what NIR cannot say.
NirValues export_nir_values(const Network& network, const std::string& where);

}  // namespace spikelens
