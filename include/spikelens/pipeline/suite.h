#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spikelens/evaluate/evaluator.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// Methods and metrics that go together.
struct Suite {
    std::vector<std::string> methods;
    std::vector<std::string> metrics;
};

/// Of how much evidence is asked for:
///  quick     the usual methods (usual_methods()) by insertion, deletion and how sparse maps are
///  standard  ten families of methods by every metric that takes few explanations a sample
///  full      every method, those whose cost is an option with less than their usual, by every metric
/// Each as it suits the input: `spiking` is what the network is shown, `pixels` whether the samples are images. What
/// needs relevant filters or probes that the run lacks is left out (has_result), without `masks` what needs them, and
/// what cannot explain the network (can_explain); and metrics that need two classes where the test samples or the
/// network have one. Throws InputError for another name, with the nearest.
Suite suite_of(std::string_view name, const Run& run, const SampleSource& test, bool spiking, bool pixels, bool masks,
               const StageNotes& notes);

/// "about 12 minutes": what measuring these methods on all samples takes, from one measured sample of each.
std::string expected_time(const Evaluator& evaluator, const std::vector<MethodSpec>& methods,
                          const Execution& execution);

}  // namespace spikelens
