#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/model_io/json_fields.h"
#include "spikelens/results/array_file.h"

namespace spikelens {

enum class ResultKind { responses, relevant_filters, ablation, visualisations, probe };

/// Every result file says what it is, in which version, and of which model. These begin such a file …
nlohmann::json result_document(ResultKind kind, const std::string& fingerprint);
ArrayFile result_arrays(ResultKind kind, const std::string& fingerprint);

/// … and these throw InputError when it is another kind or version, or belongs to another model.
void check_result(const JsonField& document, ResultKind kind, const std::string& fingerprint,
                  const std::filesystem::path& path);
void check_result(const ArrayFile& file, ResultKind kind, const std::string& fingerprint);

}  // namespace spikelens
