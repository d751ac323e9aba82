#pragma once

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

/// The options of one method spec. Each method takes what it knows by name, then finish() refuses what nobody took: an
/// option is declared where it is read, and nowhere else. Every bad value is an InputError that names spec, option, value
/// and what was expected.
class MethodOptions {
  public:
    /// Splits "name:key=value:…". Throws InputError for an empty name, an option without '=' and one given twice.
    explicit MethodOptions(std::string_view spec);

    const std::string& method() const { return method_; }

    int64_t take_integer(const std::string& option, int64_t fallback, int64_t low, int64_t high);
    /// A finite number in (low, high].
    double take_number(const std::string& option, double fallback, double low, double high);
    std::string take_text(const std::string& option, const std::string& fallback);
    /// One of the words; the fallback need not be among them.
    std::string take_word(const std::string& option, const std::string& fallback, const std::vector<std::string>& words);
    Baseline take_baseline(const std::string& option, Baseline fallback);
    View take_view();

    void finish() const;
    /// The spec again, with the options taken, in that order, whose value is not the default.
    std::string canonical() const;
    /// What has been taken so far.
    const std::vector<MethodOption>& known() const { return known_; }

  private:
    struct Given {
        std::string option, value;
        bool taken = false;
    };

    const std::string* take(const std::string& option, const std::string& standard, const std::string& expected);
    /// Of the option taken last.
    [[noreturn]] void refuse(const std::string& value) const;

    std::string spec_, method_;
    std::vector<Given> given_;
    std::vector<MethodOption> known_;
    std::vector<std::string> values_;  ///< of the same options
};

}  // namespace spikelens
