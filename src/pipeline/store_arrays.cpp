
#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/pipeline/store.h"

#include "result_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

template <class T>
void add(ArrayWriter& file, const std::string& name, const std::vector<T>& values) {
    file.add(name, ArrayView<T>({static_cast<int64_t>(values.size())}, values));
}

void add(ArrayWriter& file, const std::string& name, int64_t value) {
    file.add(name, ArrayView<int64_t>(Shape{}, std::span(&value, 1)));
}

[[noreturn]] void fail(const ArrayReader& file, const std::string& name, const std::string& expected) {
    throw InputError(fmt::format("{}: the array {} {}", file.source().string(), name, expected));
}

template <class T>
Array<T> shaped(const ArrayReader& file, const std::string& name, const Shape& shape) {
    Array<T> array = file.get<T>(name);
    if (array.shape != shape || array.size() != element_count(shape))
        fail(file, name, fmt::format("has shape {}, expected {}", shape_text(array.shape), shape_text(shape)));
    return array;
}

/// An array with one axis.
template <class T>
std::vector<T> read_list(const ArrayReader& file, const std::string& name) {
    Array<T> array = file.get<T>(name);
    if (array.shape.size() != 1) fail(file, name, "must have one axis");
    return std::move(array.data);
}

template <class T>
T read_scalar(const ArrayReader& file, const std::string& name) {
    return shaped<T>(file, name, {}).data[0];
}

int64_t read_size(const ArrayReader& file, const std::string& name) {
    const auto size = read_scalar<int64_t>(file, name);
    if (size < 0 || size > int64_t{1} << 40) fail(file, name, "must be in 0..2^40");
    return size;
}

std::vector<int64_t> read_counts(const ArrayReader& file, const std::string& name) {
    std::vector<int64_t> counts = read_list<int64_t>(file, name);
    for (int64_t count : counts)
        if (count < 0) fail(file, name, "holds a negative count");
    return counts;
}

/// The lists of top images, one after the other; "top/count" says how many each filter has.
void add_top_images(ArrayWriter& file, const std::vector<std::vector<TopImage>>& top, int64_t longest) {
    std::vector<int64_t> count, sample, row, column;
    std::vector<float> response;
    for (const std::vector<TopImage>& images : top) {
        count.push_back(static_cast<int64_t>(images.size()));
        for (const TopImage& image : images) {
            response.push_back(image.response);
            sample.push_back(image.sample);
            row.push_back(image.row);
            column.push_back(image.column);
        }
    }
    add(file, "top/column", column);
    add(file, "top/count", count);
    add(file, "top/longest", longest);
    add(file, "top/response", response);
    add(file, "top/row", row);
    add(file, "top/sample", sample);
}

int read_coordinate(const ArrayReader& file, const std::string& name, int64_t value) {
    if (value < 0 || value > 1 << 30) fail(file, name, "holds an impossible coordinate");
    return static_cast<int>(value);
}

std::vector<std::vector<TopImage>> read_top_images(const ArrayReader& file, int64_t filters, int64_t first,
                                                   int64_t end) {
    const std::vector<int64_t> counts = read_counts(file, "top/count");
    if (static_cast<int64_t>(counts.size()) != filters) fail(file, "top/count", "must have one count per filter");
    const std::vector<float> response = read_list<float>(file, "top/response");
    const auto total = static_cast<int64_t>(response.size());
    const std::vector<int64_t> sample = shaped<int64_t>(file, "top/sample", {total}).data;
    const std::vector<int64_t> row = shaped<int64_t>(file, "top/row", {total}).data;
    const std::vector<int64_t> column = shaped<int64_t>(file, "top/column", {total}).data;
    std::vector<std::vector<TopImage>> top;
    int64_t next = 0;
    for (int64_t count : counts) {
        if (count > total - next) fail(file, "top/count", "counts more images than there are");
        std::vector<TopImage>& images = top.emplace_back();
        for (const int64_t last = next + count; next < last; ++next) {
            if (sample[next] < first || sample[next] >= end)
                fail(file, "top/sample", "holds a sample that was not summed");
            images.push_back({response[next], sample[next], read_coordinate(file, "top/row", row[next]),
                              read_coordinate(file, "top/column", column[next])});
        }
    }
    if (next != total) fail(file, "top/count", "counts fewer images than there are");
    return top;
}

std::string group_of(size_t index) { return fmt::format("visualisations/{:06}/", index); }

}  // namespace

void save_responses(const ResponseSums& sums, const nlohmann::json& identity, const fs::path& path,
                    const Execution& execution) {
    ArrayWriter file(path, result_attributes(ResultKind::responses, identity));
    const Responses all = finished(sums, execution);
    add(file, "active", sums.active);
    add(file, "block", sums.block);
    add(file, "correct", sums.correct);
    file.add<double>("correlation", all.correlation);
    add(file, "first", sums.first);
    file.add<double>("gram", all.gram);
    add(file, "predicted", sums.predicted);
    file.add<double>("response_sum", all.response_sum);
    file.add<float>("rows", sums.rows);
    add(file, "samples", sums.samples);
    add_top_images(file, sums.top, sums.longest);
    add(file, "whole/high", sums.whole.high);
    add(file, "whole/low", sums.whole.low);
    file.finish();
}

ResponseSums load_responses(const nlohmann::json& identity, const fs::path& path) {
    const ArrayReader file(path);
    check_result(file, ResultKind::responses, identity);
    ResponseSums sums;
    sums.samples = read_size(file, "samples");
    sums.first = read_size(file, "first");
    sums.block = read_size(file, "block");
    sums.longest = read_size(file, "top/longest");
    sums.correct = read_scalar<int64_t>(file, "correct");
    if (sums.correct < 0 || sums.correct > sums.samples) fail(file, "correct", "must be in 0..samples");
    sums.predicted = read_counts(file, "predicted");
    if (sums.undecided() < 0) fail(file, "predicted", "counts more samples than there are");
    sums.active = read_counts(file, "active");
    sums.top = read_top_images(file, static_cast<int64_t>(sums.active.size()), sums.first, sums.end());
    sums.whole.high = file.get<int64_t>("whole/high").data;
    sums.whole.low = file.get<int64_t>("whole/low").data;
    sums.rows = file.get<float>("rows");
    naming(path, [&] { check_sums(sums); });
    return sums;
}

VisualisationWriter::VisualisationWriter(const nlohmann::json& identity, const fs::path& path)
    : file_(path, result_attributes(ResultKind::visualisations, identity)) {}

void VisualisationWriter::add(const FilterVisualisation& picture) {
    const std::string group = group_of(averaged_.size());
    file_.add<float>(group + "average", picture.average);
    file_.add<float>(group + "crops", picture.crops);
    spikelens::add(file_, group + "samples", picture.samples);
    filters_.insert(filters_.end(), {picture.filter.layer, picture.filter.filter});
    averaged_.push_back(picture.averaged);
    spread_.push_back(picture.spread);
}

void VisualisationWriter::finish() {
    file_.add<int64_t>("filters", Array<int64_t>({static_cast<int64_t>(averaged_.size()), 2}, std::move(filters_)));
    spikelens::add(file_, "averaged", averaged_);
    spikelens::add(file_, "spread", spread_);
    file_.finish();
}

void load_visualisations(const nlohmann::json& identity, const fs::path& path, const TakeVisualisation& take) {
    const ArrayReader file(path);
    check_result(file, ResultKind::visualisations, identity);
    const std::vector<double> spread = read_list<double>(file, "spread");
    const auto count = static_cast<int64_t>(spread.size());
    const std::vector<int64_t> averaged = read_counts(file, "averaged");
    if (averaged.size() != spread.size()) fail(file, "averaged", "must have as many values as spread");
    const Array<int64_t> filters = shaped<int64_t>(file, "filters", {count, 2});
    for (int64_t i = 0; i < count; ++i) {
        const std::string group = group_of(static_cast<size_t>(i));
        FilterVisualisation picture;
        picture.filter = {read_coordinate(file, "filters", filters.data[2 * i]),
                          read_coordinate(file, "filters", filters.data[2 * i + 1])};
        picture.average = file.get<float>(group + "average");
        picture.crops = file.get<float>(group + "crops");
        const int64_t crops = picture.crops.empty() ? 0 : picture.crops.extent(0);
        if (!picture.average.empty() && picture.average.shape.size() != 3)
            fail(file, group + "average", "must be [C, H, W]");
        if (!picture.crops.empty() && picture.crops.shape.size() != 4)
            fail(file, group + "crops", "must be [K, C, r, r]");
        picture.samples = shaped<int64_t>(file, group + "samples", {crops}).data;
        picture.averaged = averaged[i];
        picture.spread = spread[i];
        take(std::move(picture));
    }
}

void save_probe(const Probe& probe, const nlohmann::json& identity, const fs::path& path) {
    ArrayWriter file(path, result_attributes(ResultKind::probe, identity));
    std::vector<int64_t> layers;
    for (const Probe::Reading& reading : probe.readings) layers.push_back(reading.layer);
    add(file, "layers", layers);
    add(file, "samples", probe.samples);
    for (size_t i = 0; i < probe.readings.size(); ++i) {
        file.add<float>(group_of(i) + "intercept", probe.readings[i].intercept);
        file.add<float>(group_of(i) + "weight", probe.readings[i].weight);
    }
    file.finish();
}

Probe load_probe(const nlohmann::json& identity, const fs::path& path) {
    const ArrayReader file(path);
    check_result(file, ResultKind::probe, identity);
    Probe probe;
    probe.samples = read_scalar<int64_t>(file, "samples");
    const std::vector<int64_t> layers = read_list<int64_t>(file, "layers");
    for (size_t i = 0; i < layers.size(); ++i) {
        const std::string group = group_of(i);
        Probe::Reading& reading = probe.readings.emplace_back();
        reading.layer = read_coordinate(file, "layers", layers[i]);
        reading.weight = file.get<float>(group + "weight");
        reading.intercept = file.get<float>(group + "intercept");
        if (reading.weight.shape.size() != 2) fail(file, group + "weight", "must be [classes, inputs]");
        if (reading.intercept.shape != Shape{reading.weight.shape[0]})
            fail(file, group + "intercept", "must be [classes]");
    }
    return probe;
}

}  // namespace spikelens
