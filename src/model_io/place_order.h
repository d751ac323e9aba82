#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weight_names.h"

namespace spikelens {

/// What numbers in names say of an order, each pair read against all names of a file. As order_of_names, but for pairs
/// whose numbers another reading puts the other way round:
///  - the numbers there may be sizes: they leave gaps above 9 ("fc256", "fc128"), are powers of two from 4 on ("fc8",
///    "fc4"), or lead from one name to the next against their order ("h8to4", "h4to2");
///  - a later number, which alone would order all names of that form, says the opposite ("s2.fc1", "s1.fc2"; not
///    "block1_2", "block2_1" beside "block1_1").
/// Such pairs are in no order, and there is a doubt. O(length of all names) to make.
class NameNumbers {
  public:
    explicit NameNumbers(const std::vector<std::string>& names);

    NameOrder order(const std::string& first, const std::string& second) const;
    /// Why numbers that order_of_names orders by say nothing, as a part of a sentence; "" where they count.
    std::string doubt(const std::string& first, const std::string& second) const;

  private:
    struct Smaller {
        bool operator()(std::string_view a, std::string_view b) const;  ///< of numbers without leading zeros
    };
    using Numbers = std::set<std::string, Smaller>;
    /// Names that differ in numbers alone.
    struct Form {
        size_t names = 0;
        std::vector<Numbers> columns;
        std::vector<std::vector<std::string>> rows;
        std::vector<bool> chained;  ///< whether column c leads to c + 1 against the order of the numbers
        bool orders(size_t column) const { return columns[column].size() == names; }
    };

    static bool may_be_sizes(const Numbers& numbers);
    static std::vector<bool> chains(const Form& form, const std::string& words);

    std::map<std::string, Numbers> after_;  ///< the numbers that follow the same text
    std::map<std::string, Form> forms_;     ///< by the name with # in place of its numbers
};

/// A thing in a state dict that has a place among others of its kind: a weight, a neuron.
struct NamedPlace {
    std::string name;
    std::optional<size_t> module;  ///< StateTensor::module
};

struct SortedPlaces {
    std::vector<size_t> order;
    bool by_definition = false;  ///< whether the definition of the model decided where names said nothing
};

/// Sorts by the numbers in names; where they say nothing, by the order in which the model defines its modules. Calls
/// `fail(a, b, why)`, which must throw, with two that no one can order or on which names and definition disagree.
SortedPlaces sorted_places(const std::vector<NamedPlace>& places, const NameNumbers& numbers,
                           const std::function<void(size_t, size_t, const std::string& why)>& fail);

}  // namespace spikelens
