#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "spikelens/attribute/probe.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/average_visualisation.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/interpret/responses.h"

namespace spikelens {

/// JSON files, read with one clear sentence on failure (file and byte) and written atomically (2-space indent, keys in order,
/// final newline). Numbers come back to the bit; NaN and infinities are written as null and read by the functions below as NaN.
nlohmann::json read_json(const std::filesystem::path& path);
void write_json(const std::filesystem::path& path, const nlohmann::json& document);

/// Each result struct saves and loads. `fingerprint` is the model's (model_fingerprint); loading a file with another one is an
/// InputError ("… belongs to another model").
void save_responses(const Responses& responses, const std::string& fingerprint, const std::filesystem::path& path);
Responses load_responses(const std::string& fingerprint, const std::filesystem::path& path);

void save_relevant_filters(const RelevantFilters& relevant, const std::string& fingerprint, const std::filesystem::path& path);
RelevantFilters load_relevant_filters(const std::string& fingerprint, const std::filesystem::path& path);

void save_ablation(const Ablation& ablation, const std::string& fingerprint, const std::filesystem::path& path);
Ablation load_ablation(const std::string& fingerprint, const std::filesystem::path& path);

void save_visualisations(const std::vector<FilterVisualisation>& pictures, const std::string& fingerprint,
                         const std::filesystem::path& path);
std::vector<FilterVisualisation> load_visualisations(const std::string& fingerprint, const std::filesystem::path& path);

void save_probe(const Probe& probe, const std::string& fingerprint, const std::filesystem::path& path);
Probe load_probe(const std::string& fingerprint, const std::filesystem::path& path);

}  // namespace spikelens
