#include "response_sums.h"

#include <algorithm>
#include <array>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/snn/decision.h"

#include "fixed_sums.h"
#include "kernels/dispatch.h"

namespace spikelens {
namespace {

using kernels::kProductTile;

int64_t filters_of(const ResponseCounts& counts) { return static_cast<int64_t>(counts.active.size()); }
int64_t classes_of(const ResponseCounts& counts) { return static_cast<int64_t>(counts.predicted.size()); }
int64_t columns_of(const ResponseCounts& counts) { return filters_of(counts) + classes_of(counts) + 1; }
size_t triangle_of(int64_t columns) { return static_cast<size_t>(columns * (columns + 1) / 2); }

/// Calls body(i, j, Σ_n rows[n][i]·rows[n][j]) once for all i ≤ j, from several threads.
template <class Body>
void each_product(const FloatArray& rows, const Execution& execution, const Body& body) {
    const auto products = kernels::choose_kernels(execution.kernel).products;
    const int64_t columns = rows.extent(1), tiles = (columns + kProductTile - 1) / kProductTile;
    parallel_for(tiles * tiles, execution, [&](int64_t tile, int) {
        const int64_t row = tile / tiles * kProductTile, column = tile % tiles * kProductTile;
        if (column < row) return;
        alignas(64) std::array<double, kProductTile * kProductTile> sums;
        products({rows.data.data(), rows.extent(0), columns, row, column, sums.data()});
        for (int64_t i = row; i < std::min(row + kProductTile, columns); ++i)
            for (int64_t j = std::max(i, column); j < std::min(column + kProductTile, columns); ++j)
                body(i, j, sums[(i - row) * kProductTile + j - column]);
    });
}

size_t place(int64_t columns, int64_t i, int64_t j) { return static_cast<size_t>(i * (2 * columns - i - 1) / 2 + j); }

void add_block(FixedSums& sums, const FloatArray& rows, const Execution& execution) {
    each_product(rows, execution, [&](int64_t i, int64_t j, double sum) {
        const size_t at = place(rows.extent(1), i, j);
        add_fixed(sums.high[at], sums.low[at], sum);
    });
}

void add(FixedSums& sums, const FixedSums& more) {
    for (size_t i = 0; i < sums.high.size(); ++i) {
        sums.low[i] += more.low[i];
        sums.high[i] += more.high[i] + (sums.low[i] >> kLowBits);
        sums.low[i] &= kLowEnd - 1;
    }
}

void add(std::vector<int64_t>& sum, const std::vector<int64_t>& more) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

// The samples of `more` come later, so among equal responses they stand behind.
void add_top(std::vector<TopImage>& top, const std::vector<TopImage>& more, size_t longest) {
    const auto middle = static_cast<std::ptrdiff_t>(top.size());
    top.insert(top.end(), more.begin(), more.end());
    std::inplace_merge(top.begin(), top.begin() + middle, top.end(),
                       [](const TopImage& a, const TopImage& b) { return a.response > b.response; });
    if (top.size() > longest) top.resize(longest);
}

void append(ResponseSums& sums, const ResponseSums& more) {
    const bool fits = same_form(sums, more) && sums.end() == more.first && more.first % more.block == 0;
    if (!fits)
        throw InputError(
            "responses are merged when each range of samples begins where the one before it ends, at a multiple of " +
            std::to_string(sums.block) + ", and all belong to the same filters, classes and options");
    check_number(sums.samples + more.samples);
    add(sums.whole, more.whole);
    sums.rows = more.rows;
    sums.samples += more.samples;
    sums.correct += more.correct;
    add(sums.predicted, more.predicted);
    add(sums.active, more.active);
    for (size_t f = 0; f < sums.top.size(); ++f) add_top(sums.top[f], more.top[f], static_cast<size_t>(sums.longest));
}

bool are_sums_of(const FixedSums& sums, int64_t columns, int64_t samples) {
    const auto in_range = [](const std::vector<int64_t>& values, int64_t last) {
        return std::ranges::all_of(values, [&](int64_t value) { return value >= 0 && value <= last; });
    };
    return sums.high.size() == triangle_of(columns) && sums.low.size() == triangle_of(columns) &&
           in_range(sums.high, samples << kHighBits) && in_range(sums.low, kLowEnd - 1);
}

}  // namespace

void check_number(int64_t samples) {
    if (samples > kMostSamples)
        throw InputError("at most 2^34 samples can be summed exactly, not " + std::to_string(samples));
}

ResponseSums empty_sums(int64_t filters, int64_t classes, const ResponseOptions& options) {
    ResponseSums sums;
    sums.predicted.assign(classes, 0);
    sums.active.assign(filters, 0);
    sums.top.resize(filters);
    sums.first = options.first;
    sums.block = options.block;
    sums.longest = options.top_images;
    sums.whole.high.assign(triangle_of(columns_of(sums)), 0);
    sums.whole.low = sums.whole.high;
    sums.rows = FloatArray({0, columns_of(sums)});
    return sums;
}

void add_rows(ResponseSums& sums, const FloatArray& responses, std::span<const int> predicted,
              const Execution& execution) {
    const int64_t filters = filters_of(sums);
    FloatArray rows({responses.extent(0), columns_of(sums)});
    for (int64_t n = 0; n < responses.extent(0); ++n) {
        const auto row = rows.row(n);
        std::ranges::copy(responses.row(n), row.begin());
        row.back() = 1;
        for (int64_t f = 0; f < filters; ++f) sums.active[f] += row[f] > 0;
        if (predicted[n] == kUndecided) continue;
        row[filters + predicted[n]] = 1;
        ++sums.predicted[predicted[n]];
    }
    sums.rows.append(rows);
    if (sums.rows.extent(0) < sums.block) return;
    add_block(sums.whole, sums.rows, execution);
    sums.rows = FloatArray({0, columns_of(sums)});
}

bool same_form(const ResponseSums& a, const ResponseSums& b) {
    return a.active.size() == b.active.size() && a.predicted.size() == b.predicted.size() && a.block == b.block &&
           a.longest == b.longest;
}

void check_sums(const ResponseSums& sums) {
    bool fits = sums.samples >= 0 && sums.samples <= kMostSamples && sums.first >= 0 && sums.block > 0 &&
                sums.first % sums.block == 0 && sums.longest >= 0 && sums.top.size() == sums.active.size();
    for (const auto& top : sums.top) fits = fits && static_cast<int64_t>(top.size()) <= sums.longest;
    fits = fits && sums.rows.shape == Shape{sums.end() % sums.block, columns_of(sums)} &&
           std::ranges::all_of(sums.rows.data, [](float value) { return value >= 0 && value <= 1; }) &&
           are_sums_of(sums.whole, columns_of(sums), sums.samples);
    if (!fits) throw InputError("the sums of responses are not those of their samples, blocks and filters");
}

Responses finished(const ResponseSums& sums, const Execution& execution) {
    const int64_t filters = filters_of(sums), classes = classes_of(sums), columns = columns_of(sums);
    Responses responses{sums,
                        {DoubleArray({filters, filters}), DoubleArray({filters, classes}), DoubleArray({filters})}};
    each_product(sums.rows, execution, [&](int64_t i, int64_t j, double sum) {
        const size_t at = place(columns, i, j);
        int64_t high = sums.whole.high[at], low = sums.whole.low[at];
        add_fixed(high, low, sum);
        const double value = fixed_value(high, low);
        if (j < filters) {
            responses.gram.data[i * filters + j] = responses.gram.data[j * filters + i] = value;
        } else if (i < filters && j < columns - 1) {
            responses.correlation.data[i * classes + j - filters] = value;
        } else if (i < filters) {
            responses.response_sum.data[i] = value;
        }
    });
    return responses;
}

ResponseSums merge(std::span<const ResponseSums> parts) {
    if (parts.empty()) throw InputError("there are no responses to merge");
    for (const ResponseSums& part : parts) check_sums(part);
    ResponseSums merged = parts.front();
    for (const ResponseSums& part : parts.subspan(1)) append(merged, part);
    return merged;
}

}  // namespace spikelens
