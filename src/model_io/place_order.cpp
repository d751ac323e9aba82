#include "place_order.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>

namespace spikelens {
namespace {

constexpr uint64_t kWidestGap = 9;  ///< between the numbers of layers: what stands between two weights is counted too
constexpr uint64_t kLeastSize = 4;  ///< 1 and 2 are the first numbers of everything
constexpr size_t kLongestNumber = 18;  ///< digits; fits 64 bits

constexpr const char* kSizes = "the numbers in their names may be sizes";
constexpr const char* kOpposite = "the numbers in their names say the opposite of each other";

bool digit(char c) { return c >= '0' && c <= '9'; }

struct NumberAt {
    size_t place;  ///< where it begins in the name
    std::string digits;
};

/// The numbers of a name, without leading zeros, and the name with # in place of each.
std::vector<NumberAt> numbers_of(const std::string& name, std::string& words) {
    std::vector<NumberAt> numbers;
    words.clear();
    for (size_t i = 0; i < name.size(); ++i) {
        if (!digit(name[i])) {
            words += name[i];
            continue;
        }
        const size_t begin = i;
        while (i + 1 < name.size() && digit(name[i + 1])) ++i;
        size_t first = begin;
        while (first < i && name[first] == '0') ++first;
        numbers.push_back({begin, name.substr(first, i + 1 - first)});
        words += '#';
    }
    return numbers;
}

NameOrder order_of_modules(const NamedPlace& first, const NamedPlace& second) {
    if (!first.module || !second.module || *first.module == *second.module) return NameOrder::unknown;
    return *first.module < *second.module ? NameOrder::first_before : NameOrder::second_before;
}

std::string why_unknown(const NamedPlace& first, const NamedPlace& second, const NameNumbers& numbers) {
    if (numbers.order(first.name, second.name) != NameOrder::unknown)
        return "the numbers in their names contradict the order in which the model defines them";
    const std::string doubt = numbers.doubt(first.name, second.name);
    return "nothing tells which comes first: " +
           (doubt.empty() ? "their names have no numbers at the place where they differ" : doubt) +
           ", and the order of the tensors in a file is no sign";
}

}  // namespace

bool NameNumbers::Smaller::operator()(std::string_view a, std::string_view b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

NameNumbers::NameNumbers(const std::vector<std::string>& names) {
    std::string words;
    for (const std::string& name : names) {
        const std::vector<NumberAt> numbers = numbers_of(name, words);
        Form& form = forms_[words];
        ++form.names;
        form.columns.resize(numbers.size());
        std::vector<std::string>& row = form.rows.emplace_back();
        for (size_t c = 0; c < numbers.size(); ++c) {
            after_[name.substr(0, numbers[c].place)].insert(numbers[c].digits);
            form.columns[c].insert(numbers[c].digits);
            row.push_back(numbers[c].digits);
        }
    }
    for (auto& [form_words, form] : forms_) form.chained = chains(form, form_words);
}

bool NameNumbers::may_be_sizes(const Numbers& numbers) {
    uint64_t before = 0;
    bool gap = false, powers = numbers.size() > 1;
    for (const std::string& digits : numbers) {
        if (digits.size() > kLongestNumber) return true;
        uint64_t value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        gap |= &digits != &*numbers.begin() && value - before > kWidestGap;
        powers &= std::has_single_bit(value) && value >= kLeastSize;
        before = value;
    }
    return gap || powers;
}

std::vector<bool> NameNumbers::chains(const Form& form, const std::string& words) {
    std::vector<bool> chained(form.columns.size(), false);
    std::vector<size_t> marks;
    for (size_t i = 0; i < words.size(); ++i)
        if (words[i] == '#') marks.push_back(i);
    for (size_t c = 0; c + 1 < form.columns.size(); ++c) {
        const bool together = words.substr(marks[c], marks[c + 1] - marks[c]).find('.') == std::string::npos;
        if (form.names < 2 || !together || !form.orders(c) || !form.orders(c + 1)) continue;
        chained[c] = std::ranges::any_of(form.rows, [&](const std::vector<std::string>& row) {
            return Smaller()(row[c + 1], row[c]) && form.columns[c].contains(row[c + 1]);
        });
    }
    return chained;
}

std::string NameNumbers::doubt(const std::string& first, const std::string& second) const {
    const NameOrder order = order_of_names(first, second);
    if (order == NameOrder::unknown) return "";
    std::string words, other_words;
    std::vector<NumberAt> a = numbers_of(first, words), b = numbers_of(second, other_words);
    if (order == NameOrder::second_before) std::swap(a, b);
    size_t deciding = 0;
    while (a[deciding].digits == b[deciding].digits) ++deciding;
    const auto after = after_.find((order == NameOrder::first_before ? first : second).substr(0, a[deciding].place));
    if (after != after_.end() && may_be_sizes(after->second)) return kSizes;
    const auto form = forms_.find(words);
    if (words != other_words || form == forms_.end()) return "";
    if (form->second.chained[deciding]) return kSizes;
    for (size_t c = deciding + 1; c < a.size(); ++c)
        if (form->second.orders(c) && Smaller()(b[c].digits, a[c].digits)) return kOpposite;
    return "";
}

NameOrder NameNumbers::order(const std::string& first, const std::string& second) const {
    return doubt(first, second).empty() ? order_of_names(first, second) : NameOrder::unknown;
}

SortedPlaces sorted_places(const std::vector<NamedPlace>& places, const NameNumbers& numbers,
                           const std::function<void(size_t, size_t, const std::string&)>& fail) {
    std::vector<size_t> before(places.size(), 0);
    SortedPlaces sorted{std::vector<size_t>(places.size(), places.size()), false};
    for (size_t a = 0; a < places.size(); ++a)
        for (size_t b = a + 1; b < places.size(); ++b) {
            const NameOrder names = numbers.order(places[a].name, places[b].name);
            const NameOrder modules = order_of_modules(places[a], places[b]);
            const NameOrder known = names == NameOrder::unknown ? modules : names;
            const bool contrary = modules != NameOrder::unknown && modules != known;
            if (known == NameOrder::unknown || contrary) fail(a, b, why_unknown(places[a], places[b], numbers));
            sorted.by_definition |= names == NameOrder::unknown;
            ++before[known == NameOrder::first_before ? b : a];
        }
    for (size_t i = 0; i < places.size(); ++i) {
        size_t& taken = sorted.order[before[i]];
        if (taken != places.size())
            fail(taken, i, "the numbers in the names and the order in which the model defines them lead in a circle");
        taken = i;
    }
    return sorted;
}

}  // namespace spikelens
