#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/codings.h"
#include "spikelens/pipeline/explain.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/text.h"

#include "accuracy_text.h"

namespace spikelens {
namespace {

/// "ig2d: of 200 maps 12 are zero, 1 is rounding noise"
std::string map_remark(const EvaluatedMethod& method, int64_t maps) {
    std::string text;
    for (const auto& [count, words] : {std::pair{method.zero_maps, "zero"},
                                       {method.noise_maps, "rounding noise"},
                                       {method.constant_maps, "the same everywhere"}})
        if (count > 0)
            text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, count == 1 ? "is" : "are", words);
    return text.empty() ? "" : paragraph(fmt::format("{}: of {} maps {}", method.method, maps, text));
}

std::string baselines_text(const std::vector<EvaluatedMethod>& methods) {
    std::string text;
    for (const EvaluatedMethod& method : methods)
        if (method.completeness_baseline)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", method.method,
                                *method.completeness_baseline == "biases" ? "none, as biases have their part"
                                                                          : *method.completeness_baseline);
    if (text.empty()) return paragraph("completeness: none of these methods aims at it");
    return paragraph("completeness is measured from each method's own baseline: " + text +
                     "; the others do not aim at it");
}

/// What must be said beside the table: samples left out, each method's own baseline of completeness, maps that say
/// nothing.
std::string evaluation_remarks(const EvaluateResult& result) {
    std::string text;
    if (result.undecided > 0)
        text += paragraph(fmt::format(
            "{} of {} samples {} undecided (all class scores are equal) and left out: no class could be followed",
            result.undecided, result.samples, result.undecided == 1 ? "is" : "are"));
    if (std::ranges::find(result.metrics, "completeness") != result.metrics.end())
        text += baselines_text(result.methods);
    for (const EvaluatedMethod& method : result.methods)
        if (!method.sanity_baseline) text += map_remark(method, result.samples - result.undecided);
    return text;
}

std::string reading_of(const ExplainedImage& image, const Network& network) {
    if (!std::ranges::all_of(image.scores, [](float score) { return std::isfinite(score); }))
        return "class scores are not finite";
    if (!image.undecided)
        return fmt::format("{} ({:.1f} %)", image.predicted_name, 100 * image.probabilities[image.predicted]);
    const bool silent = !signals(network).back().currents && image.scores[0] == 0;
    return silent ? "no output spike: undecided" : "all class scores are equal: undecided";
}

std::string when_of(const Decided& when) {
    std::string text = fmt::format("decided after step {} of {}", when.decided, when.steps);
    const auto most = std::ranges::max_element(when.windows, {}, &Decided::Window::share);
    if (most == when.windows.end() || when.windows.size() == 1 || most->share <= 0) return text;
    double all = 0;
    for (const Decided::Window& window : when.windows) all += window.share;
    const std::string steps = most->end == most->first + 1 ? fmt::format("step {}", most->end)
                                                           : fmt::format("steps {} to {}", most->first + 1, most->end);
    return text + fmt::format("; {} brought the most of the score, {:.3g} of {:.3g}", steps, most->share, all);
}

/// The value of a metric with half the width of its interval; a dash where it does not apply.
std::string value_text(const MetricScore* score) {
    if (!score) return "—";
    if (!std::isfinite(score->mean)) return "∞";
    return score->ci95.known() ? fmt::format("{:.4f} ± {:.4f}", score->mean, score->ci95.high - score->mean)
                               : fmt::format("{:.4f}", score->mean);
}

/// A picture of which nothing is shown.
std::string nothing_text(const std::string& baseline) {
    if (baseline == "blur") return "the blurred image";
    return baseline == "mean" ? "the image's mean" : baseline;
}

std::string protocol_text(const EvaluateResult& result) {
    std::string text = fmt::format("{} test {}", result.samples, result.input);
    if (result.coding) text += ", " + *result.coding + " coding";
    const auto asked = [&](const char* name) {
        return std::ranges::find(result.metrics, name) != result.metrics.end();
    };
    const bool inserts = asked("insertion"), deletes = asked("deletion");
    const std::string to = nothing_text(result.baseline),
                      into = result.insertion_baseline ? nothing_text(*result.insertion_baseline) : to;
    if (inserts || deletes) text += fmt::format(", {} pixels a step, ", result.pixels_per_step);
    if (inserts && deletes && into == to)
        text += "inserted into and deleted to " + to;
    else if (inserts || deletes)
        text += fmt::format("{}{}{}", inserts ? "inserted into " + into : "", inserts && deletes ? " and " : "",
                            deletes ? "deleted to " + to : "");
    return text + "; mean with half-width of the 95 % interval";
}

std::string arrow(const MetricInfo& metric) {
    if (metric.direction == "none") return "";
    return metric.direction == "higher" ? " ↑" : " ↓";
}

std::string estimate_text(double mean, const Interval& interval) {
    if (std::isnan(mean)) return "—";
    if (!interval.known()) return fmt::format("{:.3f}", mean);
    return fmt::format("{:.3f} ± {:.3f}", mean, interval.high - mean);
}

std::string metric_text(const EvaluatedMethod& method, const std::string& metric) {
    const MetricScore* const score = method.metric(metric);
    return score ? estimate_text(score->mean, score->ci95) : "—";
}

}  // namespace

std::string text_of(const ExplainResult& result, const Network& network) {
    std::string text;
    for (const ExplainedImage& image : result.images) {
        const bool wrong = image.label && (image.undecided || image.label != image.predicted);
        text += paragraph(printable(fmt::format("{}: {}{}", image.image, reading_of(image, network),
                                                wrong ? ", in truth " + class_name(network, *image.label) : "")));
        if (image.when && image.when->decided > 0) text += paragraph(when_of(*image.when), 2);
        for (const MapSummary& map : image.maps)
            if (map.remark) text += paragraph(fmt::format("{}: {}", map.method, *map.remark), 2);
    }
    return text + fmt::format("{} with overlays and raw values in {}\n", counted(result.map_count(), "map"),
                              printable(result.folder));
}

std::string text_of(const EvaluateResult& result) {
    std::vector<TextTable::Column> columns = {{"method"}};
    for (const std::string& metric : result.metrics)
        columns.push_back({metric + arrow(find_metric(metric)->info()), TextTable::Align::right});
    columns.push_back({"ms per sample", TextTable::Align::right});
    TextTable table(columns);
    for (const EvaluatedMethod& method : result.methods) {
        std::vector<std::string> row = {method.method + (method.sanity_baseline ? " (sanity)" : "")};
        for (const std::string& metric : result.metrics) row.push_back(value_text(method.metric(metric)));
        row.push_back(fmt::format("{:.2f}", 1000 * method.seconds_per_explanation));
        table.add(row);
    }
    std::string text = paragraph(protocol_text(result)) + table.text() + evaluation_remarks(result);
    for (const PaperValue& paper : result.paper)
        text += fmt::format("paper: {} {} {:.4f}\n", paper.method, paper.metric, paper.value);
    return text;
}

std::string text_of(const CodingsResult& result) {
    constexpr auto right = TextTable::Align::right;
    std::vector<TextTable::Column> columns = {{"coding"}, {"accuracy", right}};
    for (const std::string& method : result.methods) columns.push_back({method + " ins ↑ / del ↓", right});
    TextTable scores(columns);
    std::string remarks;
    for (const CodedRun& one : result.codings) {
        std::vector<std::string> row = {one.coding, estimate_text(one.test.accuracy, one.test.ci95)};
        for (const EvaluatedMethod& method : one.evaluate.methods)
            row.push_back(metric_text(method, "insertion") + " / " + metric_text(method, "deletion"));
        scores.add(row);
        if (const std::string of_one = accuracy_remarks(one.test, "test"); !of_one.empty())
            remarks += one.coding + ": " + of_one;
    }
    TextTable overlaps({{"method"}, {"coding"}, {"and"}, {"overlap", right}});
    for (const CodingOverlap& pair : result.overlaps)
        overlaps.add({pair.method, pair.a, pair.b, estimate_text(pair.overlap, pair.ci95)});
    return scores.text() + remarks + "\n" +
           paragraph(fmt::format("overlap (intersection over union) of the best {:.0f} % of the pixels between codings",
                                 100 * result.share)) +
           overlaps.text();
}

}  // namespace spikelens
