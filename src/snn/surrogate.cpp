#include "spikelens/snn/surrogate.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"

#include "surrogate_function.h"

namespace spikelens {
namespace {

struct KindEntry {
    std::string_view name;
    SurrogateKind kind;
    float default_scale;
};

constexpr std::array<KindEntry, 4> kKinds{{{"triangle", SurrogateKind::triangle, 0.3F},
                                           {"sigmoid", SurrogateKind::sigmoid, 25.0F},
                                           {"fast_sigmoid", SurrogateKind::fast_sigmoid, 25.0F},
                                           {"atan", SurrogateKind::atan, 2.0F}}};

constexpr std::string_view kThroughResetWord = "through_reset";

const KindEntry& entry_named(std::string_view name, std::string_view text) {
    for (const KindEntry& entry : kKinds)
        if (entry.name == name) return entry;
    throw InputError(
        "there is no surrogate \"" + std::string(text) +
        "\": expected triangle, sigmoid, fast_sigmoid or atan, with a scale if wanted, like triangle(0.3)");
}

float parse_scale(std::string_view number, std::string_view text) {
    const auto scale = number_in<float>(number);
    if (!scale || !std::isfinite(*scale) || *scale <= 0)
        throw InputError("the scale of the surrogate \"" + std::string(text) +
                         "\" must be a number above 0, like triangle(0.3)");
    return *scale;
}

void parse_arguments(std::string_view arguments, std::string_view text, Surrogate& surrogate) {
    const size_t comma = arguments.find(',');
    const std::string_view first = arguments.substr(0, comma);
    if (comma == std::string_view::npos && first == kThroughResetWord) {
        surrogate.through_reset = true;
        return;
    }
    surrogate.scale = parse_scale(first, text);
    if (comma == std::string_view::npos) return;
    if (arguments.substr(comma + 1) != kThroughResetWord)
        throw InputError("the surrogate \"" + std::string(text) + "\" has \"" +
                         std::string(arguments.substr(comma + 1)) +
                         "\" after its scale: only through_reset may follow");
    surrogate.through_reset = true;
}

double triangle_step(double scale, double v) {
    if (v <= -1) return 0;
    if (v >= 1) return scale;
    return v < 0 ? scale * (1 + v) * (1 + v) / 2 : scale * (1 - (1 - v) * (1 - v) / 2);
}

double fast_sigmoid_step(double k, double v) {
    const double tail = 1 / (k * (k * std::abs(v) + 1));
    return v < 0 ? tail : 2 / k - tail;
}

}  // namespace

Surrogate parse_surrogate(std::string_view text) {
    const size_t open = text.find('(');
    const KindEntry& entry = entry_named(text.substr(0, open), text);
    Surrogate surrogate{entry.kind, entry.default_scale, false};
    if (open == std::string_view::npos) return surrogate;
    if (text.back() != ')')
        throw InputError("the surrogate \"" + std::string(text) + "\" must end with a closing bracket");
    parse_arguments(text.substr(open + 1, text.size() - open - 2), text, surrogate);
    return surrogate;
}

std::string surrogate_text(const Surrogate& surrogate) {
    std::array<char, 32> number{};
    const auto end = std::to_chars(number.data(), number.data() + number.size(), surrogate.scale).ptr;
    std::string text(kKinds[static_cast<size_t>(surrogate.kind)].name);
    text += "(" + std::string(number.data(), end);
    if (surrogate.through_reset) text += "," + std::string(kThroughResetWord);
    return text + ")";
}

double surrogate_derivative(const Surrogate& surrogate, double v) {
    const double scale = surrogate.scale;
    switch (surrogate.kind) {
        case SurrogateKind::triangle:
            return derivative_of<SurrogateKind::triangle>(scale, v);
        case SurrogateKind::sigmoid:
            return derivative_of<SurrogateKind::sigmoid>(scale, v);
        case SurrogateKind::fast_sigmoid:
            return derivative_of<SurrogateKind::fast_sigmoid>(scale, v);
        case SurrogateKind::atan:
            break;
    }
    return derivative_of<SurrogateKind::atan>(scale, v);
}

double surrogate_step(const Surrogate& surrogate, double v) {
    const double scale = surrogate.scale;
    switch (surrogate.kind) {
        case SurrogateKind::triangle:
            return triangle_step(scale, v);
        case SurrogateKind::sigmoid:
            return 1 / (1 + std::exp(-scale * v));
        case SurrogateKind::fast_sigmoid:
            return fast_sigmoid_step(scale, v);
        case SurrogateKind::atan:
            break;
    }
    return std::atan(std::numbers::pi / 2 * scale * v) / std::numbers::pi + 0.5;
}

}  // namespace spikelens
