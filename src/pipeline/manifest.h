#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/pipeline/run.h"

namespace spikelens {

/// The manifest with every field of the type that it should have, "stages" always there. Throws InputError with the
/// file's name and the field's otherwise.
nlohmann::json read_manifest(const std::filesystem::path& path);

/// Throws InputError when a stage's document is not one: the fields that later stages read have other types.
void check_document(const nlohmann::json& document, const std::string& stage, const std::filesystem::path& path);

/// { "command": [words], "seed": 1 }
nlohmann::json record_document(const StageRecord& record);

/// The records of the later stages in the manifest that is there, when it is of the same network and data; none
/// otherwise.
nlohmann::json kept_stages(const RunDirectory& files, const nlohmann::json& identity);

}  // namespace spikelens
