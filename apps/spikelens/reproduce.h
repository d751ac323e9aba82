#pragma once

#include <optional>
#include <string>

#include "commands.h"

namespace spikelens::app {

struct ReproduceCommand {
    std::string experiment;
    std::filesystem::path out;             ///< empty: runs/EXPERIMENT
    std::filesystem::path model;           ///< of bitar-nmnist; empty: looked for in $SPIKELENS_DATA/nir
    std::optional<int64_t> samples;        ///< test samples evaluated; 0: all; none: the experiment's own choice
    std::optional<int64_t> train_samples;  ///< the same for training
};

// One experiment a file.
Outcome reproduce_svebi_mnist(const ReproduceCommand& command, const Globals& globals, Console& console);
Outcome reproduce_bitar_nmnist(const ReproduceCommand& command, const Globals& globals, Console& console);
Outcome reproduce_coding_fashion(const ReproduceCommand& command, const Globals& globals, Console& console);

/// The same with the lock of the run, for the stages that follow the one that made it: no other writer comes between them.
Globals holding(const std::filesystem::path& run, const Globals& globals, Console& console);

/// A claim of the paper beside what was measured. `held`: true, false, or null where the intervals do not decide.
nlohmann::json claim(const std::string& text, const nlohmann::json& paper, const nlohmann::json& measured,
                     const nlohmann::json& held);
std::string claims_text(const nlohmann::json& claims);

/// The values of one metric in the document of `evaluate`; null when they are not there.
const nlohmann::json* metric_of(const nlohmann::json& evaluate, const std::string& method, const std::string& metric);
/// The entry of one method; it must be there.
const nlohmann::json& method_of(const nlohmann::json& evaluate, const std::string& method);
/// a − b of a metric over the same samples, whichever way round it was stored: { "difference", "ci95", "decided" }.
nlohmann::json difference_of(const nlohmann::json& evaluate, const std::string& metric, const std::string& a,
                             const std::string& b);

}  // namespace spikelens::app
