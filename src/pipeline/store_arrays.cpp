
#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/pipeline/store.h"

#include "result_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

template <class T>
Array<T> vector_array(const std::vector<T>& values) {
    return Array<T>({static_cast<int64_t>(values.size())}, values);
}

template <class T>
Array<T> scalar_array(T value) {
    return Array<T>(Shape{}, value);
}

[[noreturn]] void fail(const ArrayFile& file, const std::string& name, const std::string& expected) {
    throw InputError(fmt::format("{}: the array {} {}", file.source.string(), name, expected));
}

template <class T>
const Array<T>& shaped(const ArrayFile& file, const std::string& name, const Shape& shape) {
    const Array<T>& array = file.get<T>(name);
    if (array.shape != shape || array.size() != element_count(shape))
        fail(file, name, fmt::format("has shape {}, expected {}", shape_text(array.shape), shape_text(shape)));
    return array;
}

/// The length of an array with one axis.
template <class T>
int64_t length_of(const ArrayFile& file, const std::string& name) {
    const Array<T>& array = file.get<T>(name);
    if (array.shape.size() != 1) fail(file, name, "must have one axis");
    return array.extent(0);
}

template <class T>
T read_scalar(const ArrayFile& file, const std::string& name) {
    return shaped<T>(file, name, {}).data[0];
}

int64_t read_size(const ArrayFile& file, const std::string& name) {
    const auto size = read_scalar<int64_t>(file, name);
    if (size < 0 || size > int64_t{1} << 40) fail(file, name, "must be in 0..2^40");
    return size;
}

std::vector<int64_t> read_counts(const ArrayFile& file, const std::string& name, int64_t length) {
    const std::vector<int64_t>& counts = shaped<int64_t>(file, name, {length}).data;
    for (int64_t count : counts)
        if (count < 0) fail(file, name, "holds a negative count");
    return counts;
}

/// The lists of top images, one after the other; "top/count" says how many each filter has.
void add_top_images(ArrayFile& file, const std::vector<std::vector<TopImage>>& top) {
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
    file.arrays["top/count"] = vector_array(count);
    file.arrays["top/response"] = vector_array(response);
    file.arrays["top/sample"] = vector_array(sample);
    file.arrays["top/row"] = vector_array(row);
    file.arrays["top/column"] = vector_array(column);
}

int read_coordinate(const ArrayFile& file, const std::string& name, int64_t value) {
    if (value < 0 || value > 1 << 30) fail(file, name, "holds an impossible coordinate");
    return static_cast<int>(value);
}

std::vector<std::vector<TopImage>> read_top_images(const ArrayFile& file, int64_t filters, int64_t first, int64_t end) {
    const std::vector<int64_t> counts = read_counts(file, "top/count", filters);
    const int64_t total = length_of<float>(file, "top/response");
    const std::vector<float>& response = file.get<float>("top/response").data;
    const std::vector<int64_t>& sample = shaped<int64_t>(file, "top/sample", {total}).data;
    const std::vector<int64_t>& row = shaped<int64_t>(file, "top/row", {total}).data;
    const std::vector<int64_t>& column = shaped<int64_t>(file, "top/column", {total}).data;
    std::vector<std::vector<TopImage>> top;
    int64_t next = 0;
    for (int64_t count : counts) {
        if (count > total - next) fail(file, "top/count", "counts more images than there are");
        std::vector<TopImage>& images = top.emplace_back();
        for (const int64_t last = next + count; next < last; ++next) {
            if (sample[next] < first || sample[next] >= end) fail(file, "top/sample", "holds a sample that was not summed");
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
    ArrayFile file = result_arrays(ResultKind::responses, identity);
    file.arrays["samples"] = scalar_array(sums.samples);
    file.arrays["first"] = scalar_array(sums.first);
    file.arrays["block"] = scalar_array(sums.block);
    file.arrays["top/longest"] = scalar_array(sums.longest);
    file.arrays["correct"] = scalar_array(sums.correct);
    file.arrays["predicted"] = vector_array(sums.predicted);
    file.arrays["active"] = vector_array(sums.active);
    Responses all = finished(sums, execution);
    file.arrays["gram"] = std::move(all.gram);
    file.arrays["correlation"] = std::move(all.correlation);
    file.arrays["response_sum"] = std::move(all.response_sum);
    file.arrays["whole/high"] = vector_array(sums.whole.high);
    file.arrays["whole/low"] = vector_array(sums.whole.low);
    file.arrays["rows"] = sums.rows;
    add_top_images(file, sums.top);
    write_arrays(path, file);
}

ResponseSums load_responses(const nlohmann::json& identity, const fs::path& path) {
    const ArrayFile file = read_arrays(path);
    check_result(file, ResultKind::responses, identity);
    const int64_t filters = length_of<int64_t>(file, "active"), classes = length_of<int64_t>(file, "predicted");
    ResponseSums sums;
    sums.samples = read_size(file, "samples");
    sums.first = read_size(file, "first");
    sums.block = read_size(file, "block");
    sums.longest = read_size(file, "top/longest");
    sums.correct = read_scalar<int64_t>(file, "correct");
    if (sums.correct < 0 || sums.correct > sums.samples) fail(file, "correct", "must be in 0..samples");
    sums.predicted = read_counts(file, "predicted", classes);
    if (sums.undecided() < 0) fail(file, "predicted", "counts more samples than there are");
    sums.active = read_counts(file, "active", filters);
    sums.top = read_top_images(file, filters, sums.first, sums.end());
    sums.whole.high = file.get<int64_t>("whole/high").data;
    sums.whole.low = file.get<int64_t>("whole/low").data;
    sums.rows = file.get<float>("rows");
    naming(path, [&] { check_sums(sums); });
    return sums;
}

void save_visualisations(const std::vector<FilterVisualisation>& pictures, const nlohmann::json& identity,
                         const fs::path& path) {
    ArrayFile file = result_arrays(ResultKind::visualisations, identity);
    Array<int64_t> filters({static_cast<int64_t>(pictures.size()), 2});
    std::vector<int64_t> averaged;
    std::vector<double> spread;
    for (size_t i = 0; i < pictures.size(); ++i) {
        const FilterVisualisation& picture = pictures[i];
        filters.data[2 * i] = picture.filter.layer;
        filters.data[2 * i + 1] = picture.filter.filter;
        averaged.push_back(picture.averaged);
        spread.push_back(picture.spread);
        file.arrays[group_of(i) + "average"] = picture.average;
        file.arrays[group_of(i) + "crops"] = picture.crops;
        file.arrays[group_of(i) + "samples"] = vector_array(picture.samples);
    }
    file.arrays["filters"] = std::move(filters);
    file.arrays["averaged"] = vector_array(averaged);
    file.arrays["spread"] = vector_array(spread);
    write_arrays(path, file);
}

std::vector<FilterVisualisation> load_visualisations(const nlohmann::json& identity, const fs::path& path) {
    const ArrayFile file = read_arrays(path);
    check_result(file, ResultKind::visualisations, identity);
    const int64_t count = length_of<double>(file, "spread");
    const std::vector<double>& spread = file.get<double>("spread").data;
    const std::vector<int64_t> averaged = read_counts(file, "averaged", count);
    const Array<int64_t>& filters = shaped<int64_t>(file, "filters", {count, 2});
    std::vector<FilterVisualisation> pictures;
    for (int64_t i = 0; i < count; ++i) {
        const std::string group = group_of(static_cast<size_t>(i));
        FilterVisualisation& picture = pictures.emplace_back();
        picture.filter = {read_coordinate(file, "filters", filters.data[2 * i]),
                          read_coordinate(file, "filters", filters.data[2 * i + 1])};
        picture.average = file.get<float>(group + "average");
        picture.crops = file.get<float>(group + "crops");
        const int64_t crops = picture.crops.empty() ? 0 : picture.crops.extent(0);
        if (!picture.average.empty() && picture.average.shape.size() != 3) fail(file, group + "average", "must be [C, H, W]");
        if (!picture.crops.empty() && picture.crops.shape.size() != 4) fail(file, group + "crops", "must be [K, C, r, r]");
        picture.samples = shaped<int64_t>(file, group + "samples", {crops}).data;
        picture.averaged = averaged[i];
        picture.spread = spread[i];
    }
    return pictures;
}

void save_probe(const Probe& probe, const nlohmann::json& identity, const fs::path& path) {
    ArrayFile file = result_arrays(ResultKind::probe, identity);
    std::vector<int64_t> layers;
    for (size_t i = 0; i < probe.readings.size(); ++i) {
        layers.push_back(probe.readings[i].layer);
        file.arrays[group_of(i) + "weight"] = probe.readings[i].weight;
        file.arrays[group_of(i) + "intercept"] = probe.readings[i].intercept;
    }
    file.arrays["layers"] = vector_array(layers);
    file.arrays["samples"] = scalar_array(probe.samples);
    write_arrays(path, file);
}

Probe load_probe(const nlohmann::json& identity, const fs::path& path) {
    const ArrayFile file = read_arrays(path);
    check_result(file, ResultKind::probe, identity);
    Probe probe;
    probe.samples = read_scalar<int64_t>(file, "samples");
    const int64_t count = length_of<int64_t>(file, "layers");
    for (int64_t i = 0; i < count; ++i) {
        const std::string group = group_of(static_cast<size_t>(i));
        Probe::Reading& reading = probe.readings.emplace_back();
        reading.layer = read_coordinate(file, "layers", file.get<int64_t>("layers").data[i]);
        reading.weight = file.get<float>(group + "weight");
        reading.intercept = file.get<float>(group + "intercept");
        if (reading.weight.shape.size() != 2) fail(file, group + "weight", "must be [classes, inputs]");
        if (reading.intercept.shape != Shape{reading.weight.shape[0]}) fail(file, group + "intercept", "must be [classes]");
    }
    return probe;
}

}  // namespace spikelens
