#include "response_sums.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

void add(DoubleArray& sum, const DoubleArray& more) {
    for (size_t i = 0; i < sum.data.size(); ++i) sum.data[i] += more.data[i];
}

void add(ResponseMatrices& sum, const ResponseMatrices& more) {
    add(sum.gram, more.gram);
    add(sum.correlation, more.correlation);
    add(sum.response_sum, more.response_sum);
}

void add(std::vector<int64_t>& sum, const std::vector<int64_t>& more) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

ResponseMatrices zeros(const ResponseCounts& counts) {
    const auto filters = static_cast<int64_t>(counts.active.size()), classes = static_cast<int64_t>(counts.predicted.size());
    return {DoubleArray({filters, filters}), DoubleArray({filters, classes}), DoubleArray({filters})};
}

bool have_shapes_of(const ResponseMatrices& a, const ResponseMatrices& b) {
    return a.gram.shape == b.gram.shape && a.correlation.shape == b.correlation.shape &&
           a.response_sum.shape == b.response_sum.shape;
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
    const bool whole = more.end() % more.block == 0;
    for (const ResponseNode& node : more.nodes) {
        sums.nodes.push_back(node);
        if (whole || &node != &more.nodes.back()) join_whole_nodes(sums.nodes);
    }
    sums.samples += more.samples;
    sums.correct += more.correct;
    add(sums.predicted, more.predicted);
    add(sums.active, more.active);
    for (size_t f = 0; f < sums.top.size(); ++f) add_top(sums.top[f], more.top[f], static_cast<size_t>(sums.longest));
}

}  // namespace

ResponseMatrices& block_under_way(ResponseSums& sums) {
    if (sums.end() % sums.block == 0) sums.nodes.push_back({0, sums.end() / sums.block, zeros(sums)});
    return sums.nodes.back().sums;
}

void join_whole_nodes(std::vector<ResponseNode>& nodes) {
    while (nodes.size() > 1) {
        ResponseNode& left = nodes[nodes.size() - 2];
        const ResponseNode& right = nodes.back();
        if (left.level != right.level || right.index % 2 == 0) return;
        add(left.sums, right.sums);
        ++left.level;
        left.index /= 2;
        nodes.pop_back();
    }
}

bool same_form(const ResponseSums& a, const ResponseSums& b) {
    return a.active.size() == b.active.size() && a.predicted.size() == b.predicted.size() && a.block == b.block &&
           a.longest == b.longest;
}

void check_sums(const ResponseSums& sums) {
    bool fits = sums.samples >= 0 && sums.first >= 0 && sums.block > 0 && sums.first % sums.block == 0 && sums.longest >= 0 &&
                sums.top.size() == sums.active.size();
    for (const auto& top : sums.top) fits = fits && static_cast<int64_t>(top.size()) <= sums.longest;
    if (fits) {
        int64_t block = sums.first / sums.block;
        const int64_t whole = sums.end() / sums.block, end = (sums.end() + sums.block - 1) / sums.block;
        const ResponseMatrices expected = zeros(sums);
        for (const ResponseNode& node : sums.nodes) {
            // The largest whole node that begins here; behind the whole ones the block under way.
            int64_t level = 0;
            while (block % (int64_t{2} << level) == 0 && block + (int64_t{2} << level) <= whole) ++level;
            fits = fits && block < end && node.level == level && node.index == block >> level &&
                   have_shapes_of(node.sums, expected);
            block += int64_t{1} << level;
        }
        fits = fits && block == end;
    }
    if (!fits) throw InputError("the sums of responses are not those of their samples, blocks and filters");
}

Responses finished(const ResponseSums& sums) {
    if (sums.nodes.empty()) return {sums, zeros(sums)};
    Responses responses{sums, sums.nodes.front().sums};
    for (size_t i = 1; i < sums.nodes.size(); ++i) add(responses, sums.nodes[i].sums);
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
