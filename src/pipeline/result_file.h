#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/io/array_file.h"
#include "spikelens/io/json_fields.h"

namespace spikelens {

enum class ResultKind { responses, relevant_filters, ablation, visualisations, probe };

/// Every result file says what it is, in which version, and what it depends on. These begin such a file …
nlohmann::json result_document(ResultKind kind, const nlohmann::json& identity);
std::map<std::string, std::string> result_attributes(ResultKind kind, const nlohmann::json& identity);

/// … and these throw InputError when it is another kind or version, or depends on something else.
void check_result(const nlohmann::json& document, ResultKind kind, const nlohmann::json& identity,
                  const std::filesystem::path& path);
void check_result(const ArrayReader& file, ResultKind kind, const nlohmann::json& identity);

/// What a file of these attributes depends on; null when they do not say.
nlohmann::json identity_in(const std::map<std::string, std::string>& attributes, const std::filesystem::path& source);

}  // namespace spikelens
