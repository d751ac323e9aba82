#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace spikelens::app {

/// `document` (a new explain.json) with what the one at `path` holds besides: images merge by file (which names the sample and
/// its content) and target, their maps by method, the newer one wins. What belongs to another model or other data is left out,
/// and so are maps made with other relevant filters; `left_out` says in a sentence what, or is empty. Throws InputError when
/// the file there is damaged.
nlohmann::json merged_explanations(nlohmann::json document, const std::filesystem::path& path, std::string& left_out);

}  // namespace spikelens::app
