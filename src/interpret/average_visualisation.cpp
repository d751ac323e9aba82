#include "spikelens/interpret/average_visualisation.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/resize.h"

#include "rows.h"

namespace spikelens {
namespace {

struct Window {
    int64_t start = 0;
    int64_t extent = 0;
};

// What a neuron at `position` sees along one axis; the whole axis when its field is larger than that.
Window seen(const ReceptiveField& field, int64_t position, int64_t axis) {
    if (field.size >= axis) return {0, axis};
    return {field.start + field.stride * position, field.size};
}

double mean_of(std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += value;
    return sum / static_cast<double>(values.size());
}

// Beyond the border the crop holds the channel's mean over the image.
void crop_channel(std::span<const float> channel, int64_t height, int64_t width, Window rows, Window columns,
                  float* out) {
    const auto padding = static_cast<float>(mean_of(channel));
    for (int64_t y = rows.start; y < rows.start + rows.extent; ++y)
        for (int64_t x = columns.start; x < columns.start + columns.extent; ++x) {
            const bool inside = y >= 0 && y < height && x >= 0 && x < width;
            *out++ = inside ? channel[y * width + x] : padding;
        }
}

FloatArray crop(std::span<const float> image, const Network& network, Window rows, Window columns) {
    const int64_t area = int64_t{network.height} * network.width;
    FloatArray result({network.channels, rows.extent, columns.extent});
    for (int64_t c = 0; c < network.channels; ++c)
        crop_channel(image.subspan(c * area, area), network.height, network.width, rows, columns, result.row(c).data());
    return result;
}

// Mean and deviation of the crops, pixel by pixel (Welford 1962: equal crops deviate by exactly nothing).
class Average {
  public:
    void add(const FloatArray& crop) {
        if (count_ == 0) mean_ = squares_ = DoubleArray(crop.shape);
        ++count_;
        for (int64_t i = 0; i < crop.size(); ++i) {
            const double before = crop.data[i] - mean_.data[i];
            mean_.data[i] += before / static_cast<double>(count_);
            squares_.data[i] += before * (crop.data[i] - mean_.data[i]);
        }
    }
    FloatArray mean() const { return {mean_.shape, std::vector<float>(mean_.data.begin(), mean_.data.end())}; }
    double spread() const {
        double sum = 0;
        for (const double square : squares_.data) sum += std::sqrt(square / static_cast<double>(count_));
        return sum / static_cast<double>(squares_.size());
    }

  private:
    int64_t count_ = 0;
    DoubleArray mean_, squares_;
};

FilterVisualisation visualise(const Network& network, const SampleSource& samples, FilterIndex filter,
                              const std::vector<TopImage>& top, int kept_crops) {
    FilterVisualisation result;
    result.filter = filter;
    result.averaged = static_cast<int64_t>(top.size());
    if (top.empty()) return result;
    const ReceptiveField of_rows = receptive_rows(network, filter.layer);
    const ReceptiveField of_columns = receptive_columns(network, filter.layer);
    const size_t kept = std::min(top.size(), static_cast<size_t>(kept_crops));
    Average average;
    for (const TopImage& image : top) {
        const FloatArray pixels = samples.images({&image.sample, 1});
        const FloatArray cut = crop(pixels.data, network, seen(of_rows, image.row, network.height),
                                    seen(of_columns, image.column, network.width));
        average.add(cut);
        if (result.crops.shape.empty()) {
            result.crops.shape = {static_cast<int64_t>(kept), cut.extent(0), cut.extent(1), cut.extent(2)};
            result.crops.data.reserve(kept * cut.data.size());
        }
        if (result.samples.size() == kept) continue;
        result.crops.data.insert(result.crops.data.end(), cut.data.begin(), cut.data.end());
        result.samples.push_back(image.sample);
    }
    result.average = resize_bilinear(average.mean(), network.height, network.width);
    result.spread = average.spread();
    return result;
}

/// What visualise() returns.
int64_t bytes_of(const Network& network, FilterIndex filter, const std::vector<TopImage>& top, int kept_crops) {
    if (top.empty()) return 0;
    const int64_t rows = std::min<int64_t>(receptive_rows(network, filter.layer).size, network.height);
    const int64_t columns = std::min<int64_t>(receptive_columns(network, filter.layer).size, network.width);
    const int64_t kept = std::min(static_cast<int64_t>(top.size()), int64_t{kept_crops});
    const int64_t area = int64_t{network.height} * network.width + kept * rows * columns;
    return network.channels * area * static_cast<int64_t>(sizeof(float));
}

void check_request(const std::vector<FilterIndex>& all, const Responses& responses, const std::vector<int>& filters,
                   int kept_crops) {
    if (responses.top.size() != all.size())
        throw InputError("the responses are of " + std::to_string(responses.top.size()) +
                         " filters, but the network has " + std::to_string(all.size()));
    if (kept_crops < 0) throw InputError("the number of kept crops must not be negative");
    for (const int filter : filters)
        if (filter < 0 || filter >= static_cast<int>(all.size()))
            throw InputError("there is no filter " + std::to_string(filter) + ": the network has " +
                             std::to_string(all.size()));
}

}  // namespace

void average_visualisations(const Network& network, const SampleSource& samples, const Responses& responses,
                            const std::vector<int>& filters, int kept_crops, const Execution& execution,
                            const TakeVisualisation& take) {
    const std::vector<FilterIndex> all = response_filters(network);
    check_samples(network, samples);
    check_request(all, responses, filters, kept_crops);
    const auto count = static_cast<int64_t>(filters.size());
    std::mutex counting;
    int64_t done = 0;
    for (int64_t first = 0; first < count;) {
        int64_t end = first, bytes = 0;
        for (; end < count; ++end) {
            bytes += bytes_of(network, all[filters[end]], responses.top[filters[end]], kept_crops);
            if (bytes > execution.memory && end > first) break;
        }
        std::vector<FilterVisualisation> block(static_cast<size_t>(end - first));
        parallel_for(end - first, execution, [&](int64_t i, int) {
            const int filter = filters[first + i];
            block[i] = visualise(network, samples, all[filter], responses.top[filter], kept_crops);
            const std::lock_guard lock(counting);
            execution.report("visualisations", ++done, count);
        });
        for (FilterVisualisation& picture : block) take(std::move(picture));
        first = end;
    }
}

std::vector<FilterVisualisation> average_visualisations(const Network& network, const SampleSource& samples,
                                                        const Responses& responses, const std::vector<int>& filters,
                                                        int kept_crops, const Execution& execution) {
    std::vector<FilterVisualisation> pictures;
    average_visualisations(network, samples, responses, filters, kept_crops, execution,
                           [&](FilterVisualisation picture) { pictures.push_back(std::move(picture)); });
    return pictures;
}

}  // namespace spikelens
