#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"
#include "spikelens/encode/coding.h"

#include "check_coding.h"

namespace spikelens {
namespace {

constexpr std::array<std::string_view, 4> kKindNames{"direct", "rate", "latency",
                                                     "delta"};  // in the order of CodingKind

[[noreturn]] void fail(std::string_view text, const std::string& what) {
    throw InputError("coding '" + std::string(text) + "': " + what);
}

CodingKind kind_named(std::string_view name, std::string_view text) {
    for (size_t i = 0; i < kKindNames.size(); ++i)
        if (kKindNames[i] == name) return static_cast<CodingKind>(i);
    fail(text,
         "there is no coder '" + std::string(name) + "'" + suggestion(name, {kKindNames.begin(), kKindNames.end()}));
}

std::vector<std::string_view> split(std::string_view options) {
    std::vector<std::string_view> parts;
    for (size_t begin = 0; begin <= options.size();) {
        const size_t end = std::min(options.find(',', begin), options.size());
        parts.push_back(options.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// Applies the options of one text, each at most once.
class OptionReader {
  public:
    OptionReader(std::string_view text, Coding& coding) : text_(text), coding_(coding) {}

    void read(std::string_view option) {
        const size_t equals = option.find('=');
        const std::string name(option.substr(0, equals));
        for (const std::string& earlier : read_)
            if (earlier == name) fail(text_, "option " + name + " is given twice");
        read_.push_back(name);
        if (name == "log" && coding_.kind == CodingKind::latency) {
            if (equals != std::string_view::npos) fail(text_, "log takes no value");
            coding_.logarithmic = true;
            return;
        }
        double* const number = number_named(name);
        if (!number) fail(text_, kind_text() + " has no option '" + name + "'" + suggestion(name, known()));
        *number = parse_number(name, equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1));
    }

    void finish() const {
        if (coding_.logarithmic || coding_.kind != CodingKind::latency || read_.empty()) return;
        fail(text_, "option " + read_.front() + " belongs to logarithmic latency, like latency(log,tau=3)");
    }

  private:
    std::string kind_text() const { return std::string(kKindNames[static_cast<size_t>(coding_.kind)]); }

    std::vector<std::string> known() const {
        if (coding_.kind == CodingKind::latency) return {"log", "tau", "x_min"};
        if (coding_.kind == CodingKind::delta) return {"step"};
        return {};
    }

    double* number_named(std::string_view name) {
        if (coding_.kind == CodingKind::latency && name == "tau") return &coding_.tau;
        if (coding_.kind == CodingKind::latency && name == "x_min") return &coding_.x_min;
        if (coding_.kind == CodingKind::delta && name == "step") return &coding_.step;
        return nullptr;
    }

    double parse_number(const std::string& name, std::string_view value) const {
        const auto number = number_in<double>(value);
        if (!number) fail(text_, "option " + name + " must be a number, not '" + std::string(value) + "'");
        return *number;
    }

    std::string_view text_;
    Coding& coding_;
    std::vector<std::string> read_;
};

// The shortest digits that read back as the same number.
std::string number_text(double value) {
    std::array<char, 32> digits{};
    char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

}  // namespace

void check_coding(const Coding& coding) {
    const auto refuse = [&](const std::string& name, double value, const std::string& range) {
        fail(coding_text(coding), "option " + name + " must be " + range + ", not " + number_text(value));
    };
    if (coding.kind == CodingKind::latency && coding.logarithmic) {
        if (!(coding.tau > 0) || !std::isfinite(coding.tau)) refuse("tau", coding.tau, "a number above 0");
        if (!(coding.x_min > 0 && coding.x_min < 1)) refuse("x_min", coding.x_min, "a number between 0 and 1");
    }
    if (coding.kind == CodingKind::delta && !(coding.step > 0 && coding.step <= 1))
        refuse("step", coding.step, "a number above 0, at most 1");
}

Coding parse_coding(std::string_view text) {
    const size_t open = text.find('(');
    Coding coding;
    coding.kind = kind_named(text.substr(0, open), text);
    if (open == std::string_view::npos) return coding;
    if (text.back() != ')') fail(text, "the options must end with a closing bracket, like delta(step=0.2)");
    OptionReader reader(text, coding);
    for (const std::string_view option : split(text.substr(open + 1, text.size() - open - 2))) reader.read(option);
    reader.finish();
    check_coding(coding);
    return coding;
}

std::string coding_text(const Coding& coding) {
    const Coding usual;
    std::string options;
    const auto add = [&](const std::string& option) { options += (options.empty() ? "" : ",") + option; };
    if (coding.kind == CodingKind::latency && coding.logarithmic) {
        add("log");
        if (coding.tau != usual.tau) add("tau=" + number_text(coding.tau));
        if (coding.x_min != usual.x_min) add("x_min=" + number_text(coding.x_min));
    }
    if (coding.kind == CodingKind::delta && coding.step != usual.step) add("step=" + number_text(coding.step));
    const std::string name(kKindNames[static_cast<size_t>(coding.kind)]);
    return options.empty() ? name : name + "(" + options + ")";
}

}  // namespace spikelens
