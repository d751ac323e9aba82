#pragma once

#include <filesystem>
#include <string>

#include "spikelens/pipeline/explain.h"

namespace spikelens {

/// `result` with what explain.json at `path` holds besides: images merge by file (which names the sample and its
/// content) and target, their maps by method, the newer one wins. What belongs to another model or other data is left
/// out, and so are maps made with other relevant filters, probes or surrogate; `left_out` says in a sentence what, or
/// is empty. Throws InputError when the file there is damaged.
ExplainResult merged_explanations(ExplainResult result, const std::filesystem::path& path, std::string& left_out);

}  // namespace spikelens
