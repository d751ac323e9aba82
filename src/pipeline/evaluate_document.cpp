#include <algorithm>

#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/evaluate.h"

namespace spikelens {
namespace {

using nlohmann::json;

json method_document(const EvaluateResult::Method& of, const std::vector<std::string>& order) {
    json metrics = json::array();
    for (const std::string& metric : order)
        if (const auto found = of.scores.metrics.find(metric); found != of.scores.metrics.end())
            metrics.push_back(metric_document(find_metric(metric)->info(), found->second));
    const MethodInfo& info = of.method.method->info();
    const int64_t explained = of.scores.done - of.scores.undecided;
    const auto maps = [&](MapState state) {
        const auto found = of.scores.maps.find(state);
        return found == of.scores.maps.end() ? 0 : found->second;
    };
    json document = {{"method", of.method.text},
                     {"title", info.title},
                     {"sanity_baseline", info.baseline},
                     {"seconds_per_explanation", of.scores.seconds / static_cast<double>(std::max<int64_t>(1, explained))},
                     {"zero_maps", maps(MapState::zero)},
                     {"noise_maps", maps(MapState::noise)},
                     {"constant_maps", maps(MapState::constant)},
                     {"metrics", metrics}};
    if (of.completeness_baseline) document["completeness_baseline"] = *of.completeness_baseline;
    for (const char* input : {"relevant", "probe", "surrogate"})
        if (of.inputs.contains(input)) document[input] = of.inputs[input];
    return document;
}

json differences_document(const std::vector<EvaluateResult::Method>& all, const std::vector<std::string>& order) {
    json list = json::array();
    for (const std::string& metric : order)
        for (size_t a = 0; a < all.size(); ++a)
            for (size_t b = a + 1; b < all.size(); ++b) {
                const auto of_a = all[a].scores.metrics.find(metric), of_b = all[b].scores.metrics.find(metric);
                if (of_a == all[a].scores.metrics.end() || of_b == all[b].scores.metrics.end()) continue;
                list.push_back(difference_document(find_metric(metric)->info(), all[a].method.text, of_a->second.values,
                                                   all[b].method.text, of_b->second.values));
            }
    return list;
}

}  // namespace

json EvaluateResult::document() const {
    json list = json::array();
    for (const Method& of : methods) list.push_back(method_document(of, metrics));
    return {{"command", "evaluate"},
            {"run", run},
            {"data", data},
            {"fingerprint", fingerprint},
            {"identity", identity},
            {"input", recordings ? "recordings" : "images"},
            {"coding", coding ? json(*coding) : json(nullptr)},
            {"samples", samples},
            {"undecided", undecided},
            {"seed", seed},
            {"baseline", baseline},
            {"pixels_per_step", pixels_per_step},
            {"steps", steps},
            {"spike_steps", spike_steps},
            {"metrics", metrics},
            {"methods", list},
            {"differences", differences_document(methods, metrics)},
            {"paper", coding ? json::array() : paper_document(data, network)}};
}

}  // namespace spikelens
