#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/filters.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/inspect.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/pipeline/train.h"

#include "accuracy_text.h"

namespace spikelens {
namespace {

/// Samples that spoke for no class. One line; empty when there are none.
std::string interpretation_remarks(const InterpretResult& result) {
    if (result.undecided == 0) return "";
    return paragraph(fmt::format(
        "{} of {} training samples {} undecided (all class scores are equal) and speak{} for no class",
        result.undecided, result.samples, result.undecided == 1 ? "is" : "are", result.undecided == 1 ? "s" : ""));
}

std::string accuracy_remarks(const MadeRun& made) {
    return accuracy_remarks(made.test, "test") + accuracy_remarks(made.train, "training");
}

/// The warnings in a word each, for the result.
std::string learned_text(const TrainResult& result) {
    std::string text;
    if (result.diverged)
        text += fmt::format("diverged: the loss of the last epoch is {:.3g}\n", result.made.epochs.back().loss);
    for (const std::string& layer : result.made.activity->silent_layers) text += fmt::format("silent: {}\n", layer);
    if (result.made.activity->at_chance) text += "learned nothing: no better than always answering one class\n";
    return text;
}

std::string filters_text(const std::vector<WeightedFilter>& filters) {
    std::string text;
    for (const WeightedFilter& filter : filters)
        text += fmt::format("{}{}.{} {:.2f}", text.empty() ? "" : ", ", filter.layer, filter.filter, filter.weight);
    return text.empty() ? "none" : text;
}

template <class Number>
std::string list_text(const std::vector<Number>& numbers) {
    return fmt::format("[{}]", fmt::join(numbers, ","));
}

std::string layers_text(const std::vector<LayerSummary>& layers) {
    constexpr auto right = TextTable::Align::right;
    std::vector<TextTable::Column> columns = {
        {"layer"}, {"output"}, {"after pooling"}, {"parameters", right}, {"field", right}};
    if (std::ranges::any_of(layers, [](const LayerSummary& layer) { return layer.dead_filters.has_value(); }))
        columns.insert(columns.end(), {{"spikes", right}, {"dead", right}});
    TextTable table(columns), neurons({{""}, {""}});
    for (const LayerSummary& layer : layers) {
        std::vector<std::string> row = {layer.layer, list_text(layer.output),
                                        layer.pool ? list_text(layer.pool->output) : "",
                                        std::to_string(layer.parameters), std::to_string(layer.receptive_field)};
        if (layer.dead_filters) {
            row.push_back(fmt::format("{:.1f}%", 100 * *layer.spikes_per_neuron_and_step));
            row.push_back(std::to_string(*layer.dead_filters));
        }
        table.add(row);
        neurons.add({layer.layer, layer.neuron});
    }
    return table.text() + "\n" + neurons.text();
}

std::string half_width(double ci95) { return std::isnan(ci95) ? " ± —" : fmt::format(" ± {:.3f}", ci95); }

}  // namespace

std::string accuracy_remarks(const AccuracySummary& accuracy, const std::string& set) {
    std::string text;
    if (accuracy.undecided > 0)
        text +=
            paragraph(fmt::format("{} of {} {} samples {} undecided (all class scores are equal), counted as wrong",
                                  accuracy.undecided, accuracy.samples, set, accuracy.undecided == 1 ? "is" : "are"));
    if (accuracy.silent > 0)
        text += paragraph(fmt::format(
            "{} of {} {} samples {} nothing (no spike, or black): a class predicted there comes from biases alone",
            accuracy.silent, accuracy.samples, set, accuracy.silent == 1 ? "holds" : "hold"));
    return text;
}

std::string text_of(const TrainResult& result) {
    const AccuracySummary &test = result.made.test, &train = result.made.train;
    const std::string right = fmt::format(
        "{} on {}: {:.2f} % of {} right (95 % interval {:.2f} to {:.2f}), {:.2f} % of {}", result.network.text,
        result.made.data, 100 * test.accuracy, counted(test.samples, "test sample"), 100 * test.ci95.low,
        100 * test.ci95.high, 100 * train.accuracy, counted(train.samples, "training sample"));
    const std::string kept =
        result.kept_epoch
            ? paragraph(fmt::format(
                  "weights of epoch {} of {}, chosen on the test set: its accuracy is no estimate for other data",
                  *result.kept_epoch, result.made.epochs.size()))
            : "";
    return paragraph(right) + kept + learned_text(result) + accuracy_remarks(result.made) +
           "run: " + printable(result.made.run) + "\n";
}

std::string text_of(const ImportResult& result) {
    std::string text = fmt::format("{}\ninput [{}], {} parameters\n", result.network.text,
                                   fmt::join(result.network.input, ","), result.network.parameters);
    TextTable tensors({{"in the file"}, {"shape"}, {"where it went"}});
    for (const TensorSummary& tensor : result.tensors)
        tensors.add({tensor.from, fmt::format("[{}]", fmt::join(tensor.shape, ",")),
                     (tensor.to.empty() ? "left out" : tensor.to) + (tensor.note.empty() ? "" : ": " + tensor.note)});
    text += "\n" + tensors.text();
    if (!result.assumptions.empty()) text += "\nassumed, because the file does not say:\n";
    for (const std::string& assumption : result.assumptions) text += "  " + assumption + "\n";
    if (result.made)
        text += fmt::format("\n{}: {:.2f} % of {} test samples right\n", result.made->data,
                            100 * result.made->test.accuracy, result.made->test.samples) +
                accuracy_remarks(*result.made);
    return text + "\n" + printable(result.out) + "\n";
}

std::string text_of(const InterpretResult& result) {
    const double mu = result.chosen_mu;
    std::string text = paragraph(
        fmt::format("relevant filters at μ = {:g}, of {} (worst KKT residual {:.1e}, duality gap {:.1e}):", mu,
                    result.filters.size(), result.kkt_residual, result.duality_gap));
    TextTable classes({{""}, {""}});
    for (const ClassPath& of_class : result.per_class)
        for (const PathPoint& point : of_class.path)
            if (point.mu == mu) classes.add({of_class.name, filters_text(point.filters)});
    text += classes.text(2) + interpretation_remarks(result);
    text +=
        paragraph(fmt::format("accuracy, a mean over classes, with each class's filters silenced, against as many "
                              "random filters (nothing silenced: {:.3f}, the same mean):",
                              result.ablation.full_accuracy));
    constexpr auto right = TextTable::Align::right;
    TextTable curve({{"μ", right}, {"filters", right}, {"relevant", right}, {"random", right}});
    for (const AblationSummary::Point& point : result.ablation.curve)
        if (const double at = point.mu; at == 1 || at == 2 || at == 5 || at == 10 || at == 20 || at == 50 || at == mu)
            curve.add({fmt::format("{:g}", at), fmt::format("{:.1f}", point.mean_filters),
                       fmt::format("{:.3f}", point.relevant_accuracy), fmt::format("{:.3f}", point.random_accuracy)});
    return text + curve.text(2);
}

std::string text_of(const FiltersResult& result) {
    constexpr auto right = TextTable::Align::right;
    std::vector<double> shown = {1, result.chosen_mu, 5, 20};
    std::ranges::sort(shown);
    shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
    std::vector<TextTable::Column> columns = {{"silenced"}};
    const auto point = [](const FilterSelection& selection, double mu) {
        return std::ranges::find(selection.curve, mu, &FilterSelection::Point::mu);
    };
    std::erase_if(shown,
                  [&](double mu) { return point(result.selections[0], mu) == result.selections[0].curve.end(); });
    for (const double mu : shown) columns.push_back({fmt::format("μ={:g}", mu), right});
    columns.insert(columns.end(), {{"area", right}, {"stability", right}});
    TextTable table(columns);
    for (const FilterSelection& selection : result.selections) {
        std::vector<std::string> row = {selection.name};
        for (const double mu : shown)
            row.push_back(fmt::format("{:.3f}", point(selection, mu)->accuracy) +
                          half_width(point(selection, mu)->ci95));
        row.push_back(fmt::format("{:+.3f}", selection.area) + half_width(selection.area_ci95));
        row.push_back(std::isnan(selection.stability) ? "—" : fmt::format("{:.2f}", selection.stability));
        table.add(row);
    }
    return paragraph(fmt::format("Of {}, those of a class are read with filters silenced that were chosen for it, as "
                                 "many as the μ-lasso's. Accuracy with nothing silenced: {:.3f}. Area: how much more "
                                 "it falls than without random live filters. Evidence{} by {}, {} of {} filters live.",
                                 counted(result.samples, "test sample"), result.full_accuracy,
                                 result.bootstraps > 0 ? " and stability" : "",
                                 counted(result.train_samples, "training sample"), result.live,
                                 result.per_class[0].filters.size())) +
           table.text();
}

std::string text_of(const InspectResult& result) {
    const NetworkSummary& network = result.network;
    std::string text =
        paragraph(printable(network.text)) +
        paragraph(fmt::format("input {}, {}, {} parameters, model {}", list_text(network.input),
                              counted(network.steps, "step"), network.parameters, result.fingerprint.substr(0, 16))) +
        "\n" + layers_text(result.layers) + "\n";
    for (const std::string& line : result.kernels) text += paragraph(line);
    if (result.images_per_second) text += fmt::format("{:.0f} images a second\n", *result.images_per_second);
    return text;
}

std::string text_of(const ExportResult& result) { return printable(result.out) + "\n"; }

std::string text_of(const ShardResult& result) {
    return paragraph(fmt::format("shard {}: {}, kept in {}", result.shard, counted(result.samples, "sample"),
                                 fmt::join(result.files, ", ")));
}

std::string text_of(const MergeResult& result) {
    std::string text;
    for (const MergeResult::Merged& merged : result.merged)
        text += paragraph(fmt::format("{}: {}, {}", (std::filesystem::path(result.run) / merged.file).string(),
                                      counted(merged.shards, "shard"), counted(merged.samples, "sample")));
    for (const std::string& left : result.left) text += paragraph(left + " is of another division: left as it is");
    return text + paragraph("interpret and evaluate of the whole, called with the same options, go on from here.");
}

}  // namespace spikelens
