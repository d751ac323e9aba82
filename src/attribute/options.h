#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/method.h"
#include "spikelens/attribute/method_options.h"

namespace spikelens {

/// "2", "0.5": a number as a person writes it.
std::string number_text(double value);

/// The options of one method spec. Each method reads what it knows; each reading declares the option: its name, what it
/// is unless given, its range, and what it means. finish() refuses what nobody read. Every bad value is an InputError
/// that names spec, option, value and what was expected.
class MethodOptions {
  public:
    /// Splits "name:key=value:…". Throws InputError for an empty name, an option without '=' and one given twice.
    explicit MethodOptions(std::string_view spec);

    const std::string& method() const { return method_; }

    int64_t integer(const std::string& option, int64_t standard, int64_t low, int64_t high, const std::string& meaning);
    /// A finite number in (low, high]; a standard outside of it says that none was given.
    double number(const std::string& option, double standard, double low, double high, const std::string& meaning);
    /// One of the words; the standard need not be among them.
    std::string word(const std::string& option, const std::string& standard, const std::vector<std::string>& words,
                     const std::string& meaning);
    /// What the word stands for; the first is the standard.
    template <class T>
    T choice(const std::string& option, const std::vector<std::pair<std::string, T>>& values,
             const std::string& meaning) {
        std::vector<std::string> words;
        for (const auto& [word, value] : values) words.push_back(word);
        const std::string given = word(option, words.front(), words, meaning);
        return values[std::ranges::find(words, given) - words.begin()].second;
    }
    /// "layer": one of the words, the first unless given, or any other name, which the network knows or not.
    std::string layer(const std::vector<std::string>& words, const std::string& meaning);
    Baseline baseline(const std::string& meaning);
    View view();

    /// Says what alone brings an option, which is refused without: "weights=exponential".
    void brings(const std::string& choice, const std::string& option) { brought_.emplace_back(option, choice); }

    void finish() const;
    /// The spec again, with the options read, in that order, whose value is not the default.
    std::string canonical() const;
    /// What has been read so far.
    const std::vector<MethodOption>& known() const { return known_; }

  private:
    struct Given {
        std::string option, value;
        bool taken = false;
    };

    /// The text given for an option, which it declares; null without.
    const std::string* take(MethodOption option);
    /// Of the option read last.
    [[noreturn]] void refuse(const std::string& value) const;

    std::string spec_, method_;
    std::vector<Given> given_;
    std::vector<MethodOption> known_;
    std::vector<std::string> values_;                           ///< of the same options
    std::vector<std::pair<std::string, std::string>> brought_;  ///< option and what brings it
};

}  // namespace spikelens
