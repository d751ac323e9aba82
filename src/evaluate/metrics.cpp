#include "spikelens/evaluate/metrics.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens {

const std::vector<MetricInfo>& all_metrics() {
    static const std::vector<MetricInfo> metrics = {
        metric_info(Perturbation::insertion),
        metric_info(Perturbation::deletion),
        {"spike_insertion", "Area under the probability as the best spikes appear in silence", "higher",
         "Petsiuk, Das, Saenko: RISE, BMVC 2018, on single spikes"},
        {"spike_deletion", "Area under the probability as the best spikes disappear", "lower",
         "Petsiuk, Das, Saenko: RISE, BMVC 2018, on single spikes"},
        {"sensitivity", "Largest relative change of the map under small changes of the input", "lower",
         "Yeh, Hsieh, Suggala, Inouye, Ravikumar, NeurIPS 2019"},
        {"randomisation",
         "Rank correlation with the map of the network whose fully connected weights are shuffled, without sign", "lower",
         "Adebayo et al., NeurIPS 2018"},
        {"completeness", "Gap between what the map adds up to and what the score changed from the baseline", "lower",
         "Sundararajan, Taly, Yan, ICML 2017"},
    };
    return metrics;
}

const MetricInfo& find_metric(std::string_view name) {
    const auto found = std::ranges::find(all_metrics(), name, &MetricInfo::name);
    if (found != all_metrics().end()) return *found;
    std::vector<std::string> names;
    for (const MetricInfo& metric : all_metrics()) names.push_back(metric.name);
    throw InputError("unknown metric '" + std::string(name) + "'" + suggestion(std::string(name), names));
}

}  // namespace spikelens
