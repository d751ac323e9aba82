#pragma once

#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/attribute/probe.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/average_visualisation.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/io/array_file.h"

namespace spikelens {

/// JSON files, read with one clear sentence on failure (file and byte) and written atomically (2-space indent, keys in
/// order, final newline). Numbers come back to the bit; NaN and infinities are written as null and read by the
/// functions below as NaN. An object carries the checksum of its content: reading takes it off, and throws InputError
/// where the content is another. One that carries none is taken as it is.
nlohmann::json read_json(const std::filesystem::path& path);
void write_json(const std::filesystem::path& path, const nlohmann::json& document);

/// Each result struct saves and loads. `identity` says all that the result depends on (pipeline/identity.h); loading a
/// file with another one is an InputError.

/// The identity in a result file, by whichever of the functions below it was saved; null in one that has none. Throws
/// InputError for a missing or damaged file.
nlohmann::json stored_identity(const std::filesystem::path& path);

/// The file also holds the finished matrices, for other readers.
void save_responses(const ResponseSums& sums, const nlohmann::json& identity, const std::filesystem::path& path,
                    const Execution& execution = {});
ResponseSums load_responses(const nlohmann::json& identity, const std::filesystem::path& path);

void save_relevant_filters(const RelevantFilters& relevant, const nlohmann::json& identity,
                           const std::filesystem::path& path);
RelevantFilters load_relevant_filters(const nlohmann::json& identity, const std::filesystem::path& path);

void save_ablation(const Ablation& ablation, const nlohmann::json& identity, const std::filesystem::path& path);
Ablation load_ablation(const nlohmann::json& identity, const std::filesystem::path& path);

/// Saves pictures as they come, none of which it holds. The file takes its place at finish().
class VisualisationWriter {
  public:
    VisualisationWriter(const nlohmann::json& identity, const std::filesystem::path& path);
    void add(const FilterVisualisation& picture);
    void finish();

  private:
    ArrayWriter file_;
    std::vector<int64_t> filters_, averaged_;
    std::vector<double> spread_;
};
/// One at a time, as they were added.
void load_visualisations(const nlohmann::json& identity, const std::filesystem::path& path,
                         const TakeVisualisation& take);

void save_probe(const Probe& probe, const nlohmann::json& identity, const std::filesystem::path& path);
Probe load_probe(const nlohmann::json& identity, const std::filesystem::path& path);

}  // namespace spikelens
