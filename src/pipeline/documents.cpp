#include "spikelens/pipeline/documents.h"

#include <cmath>

#include "spikelens/evaluate/summary.h"
#include "spikelens/snn/network.h"

namespace spikelens {

using nlohmann::json;

namespace {

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

}  // namespace

json interval_document(const Estimate& estimate) {
    if (!std::isfinite(estimate.low)) return nullptr;
    return json::array({estimate.low, estimate.high});
}

json metric_document(const MetricInfo& metric, const MetricResult& result) {
    const MetricSummary summary = summarise(result);
    json curve = json::array(), half_widths = json::array();
    for (const Estimate& point : summary.curve) {
        curve.push_back(point.mean);
        half_widths.push_back(number_or_null(point.high - point.mean));
    }
    return {{"metric", metric.name},
            {"better", metric.direction},
            {"mean", number_or_null(summary.value.mean)},
            {"ci95", interval_document(summary.value)},
            {"samples", summary.value.samples},
            {"curve", curve},
            {"curve_ci95", half_widths}};
}

json difference_document(const MetricInfo& metric, const std::string& a, const std::vector<double>& auc_a, const std::string& b,
                         const std::vector<double>& auc_b) {
    const Estimate difference = estimate_difference(auc_a, auc_b);
    return {{"metric", metric.name},
            {"a", a},
            {"b", b},
            {"difference", number_or_null(difference.mean)},
            {"ci95", interval_document(difference)},
            {"decided", std::isfinite(difference.low) && (difference.low > 0 || difference.high < 0)}};
}

json paper_document(const std::string& data, const std::string& network_text) {
    if (data != "mnist" || network_text != preset_text("shallow", 10)) return json::array();
    json list = json::array();
    const auto add = [&](const char* method, double insertion, double deletion) {
        const std::string source = "De Laet et al. 2025, Table 1 (9,920 images)";
        list.push_back({{"method", method}, {"metric", "insertion"}, {"value", insertion}, {"source", source}});
        list.push_back({{"method", method}, {"metric", "deletion"}, {"value", deletion}, {"source", source}});
    };
    add("grad2d", 0.8199, 0.3285);
    add("ig2d", 0.7814, 0.1678);
    add("svebi", 0.8459, 0.3516);
    return list;
}

}  // namespace spikelens
