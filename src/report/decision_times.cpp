#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "spikelens/core/printable.h"

#include "charts.h"
#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

const LineStyle kRightStyle{hex(kKindColours[1]), "", 1}, kWrongStyle{hex(kKindColours[0]), "6 3", 0};

int64_t total(const std::vector<int64_t>& counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

/// The share that is decided after each step.
std::vector<double> cumulative(const std::vector<int64_t>& counts) {
    std::vector<double> shares;
    int64_t sum = 0;
    for (const int64_t count : counts) {
        sum += count;
        shares.push_back(static_cast<double>(sum) / static_cast<double>(total(counts)));
    }
    return shares;
}

/// The first step after which half of them are decided.
int64_t median(const std::vector<int64_t>& counts) {
    const std::vector<double> shares = cumulative(counts);
    return std::ranges::find_if(shares, [](double share) { return share >= 0.5; }) - shares.begin() + 1;
}

std::string median_text(const std::vector<int64_t>& counts, const std::string& word) {
    return fmt::format("half of the {} {} after step {}", grouped(total(counts)), word, median(counts));
}

}  // namespace

Html decision_times(Page& page) {
    const auto& [right, wrong] = page.data.decisions;
    if (right.size() < 2 || total(right) + total(wrong) == 0) return {};
    LinePlot plot;
    plot.title = "Share of predictions that no longer change, over the steps";
    Table table{{"step", "right", "wrong"}, {}};
    for (size_t t = 0; t < right.size(); ++t) table.rows.push_back({t + 1, right[t], wrong[t]});
    std::string caption;
    for (const auto& [counts, word, style] :
         {std::tuple{&right, "right", &kRightStyle}, {&wrong, "wrong", &kWrongStyle}}) {
        if (total(*counts) == 0) continue;
        Series series{word, {}, cumulative(*counts), {}, *style};
        for (size_t t = 0; t < counts->size(); ++t) series.x.push_back(static_cast<double>(t + 1));
        plot.series.push_back(std::move(series));
        caption += (caption.empty() ? "" : ", ") + median_text(*counts, word);
    }
    plot.x = {.label = "step", .low = 1, .high = static_cast<double>(right.size()), .whole = true};
    plot.y.label = "decided";
    plot.y.percent = true;
    fit_y(plot, 0, 1);
    return tag("h3", "When does it decide?") +
           tag("div.pair", figure(page, "decision-times", draw(plot),
                                  tag("b", "Decision times") + " of the test set: " + caption + " were decided.", table,
                                  {"train", "import"}));
}

}  // namespace spikelens::report
