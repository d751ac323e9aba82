#include "spikelens/evaluate/summary.h"

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

std::vector<double> column(const FloatArray& curves, int64_t point) {
    std::vector<double> values;
    for (int64_t n = 0; n < curves.extent(0); ++n) values.push_back(curves.row(n)[point]);
    return values;
}

}  // namespace

MetricSummary summarise(const MetricResult& result) {
    if (result.curves.shape.empty()) return {estimate_mean(result.values), {}};
    if (result.curves.shape.size() != 2 || result.curves.extent(0) != static_cast<int64_t>(result.values.size()))
        throw InputError("curves of shape " + shape_text(result.curves.shape) + " do not match " +
                         std::to_string(result.values.size()) + " samples");
    MetricSummary summary;
    summary.value = estimate_mean(result.values);
    for (int64_t point = 0; point < result.curves.extent(1); ++point)
        summary.curve.push_back(estimate_mean(column(result.curves, point)));
    return summary;
}

}  // namespace spikelens
