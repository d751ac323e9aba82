#include "spikelens/snn/neuron.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"

namespace spikelens {
namespace {

bool a_share(float value) { return value >= 0 && value <= 1; }
bool a_share_below_1(float value) { return value >= 0 && value < 1; }
bool above_0(float value) { return value > 0 && std::isfinite(value); }
bool from_0(float value) { return value >= 0 && std::isfinite(value); }
bool finite(float value) { return std::isfinite(value); }

constexpr std::array<NeuronField, 11> kFields{{
    {"beta", "beta", &Neuron::beta, "0..1", a_share, false, "", "leak per step; 1 is an integrate-and-fire neuron"},
    {"threshold", "threshold", &Neuron::threshold, "above 0", above_0, false, "", "θ: the membrane spikes above it"},
    {"reset", "reset", &Neuron::reset, "", nullptr, false, "", "what a spike does to the membrane"},
    {"delay", "delay", &Neuron::delay, "", nullptr, false, "", "the reset acts one step after the spike"},
    {"at_threshold", "ge", &Neuron::at_threshold, "", nullptr, false, "", "fire at the threshold, not only above it"},
    {"decay_input", "decay_input", &Neuron::decay_input, "", nullptr, false, "input scaled by 1 − β",
     "the current is scaled by 1 − beta"},
    {"gain", "gain", &Neuron::gain, "number", finite, false, "gain {}", "scale of the current"},
    {"v_reset", "v_reset", &Neuron::v_reset, "number", finite, false, "",
     "where `\"zero\"` puts the membrane; 0 with another reset"},
    {"alpha", "alpha", &Neuron::alpha, "0 to below 1", a_share_below_1, true, "",
     "decay of the synaptic current per step"},
    {"adapt", "adapt", &Neuron::adapt, "0 and above", from_0, true, "threshold raised by {} at a spike",
     "by how much a spike raises the threshold"},
    {"rho", "rho", &Neuron::rho, "0 to below 1", a_share_below_1, true, "of which {} stays per step",
     "how much of the rise stays per step"},
}};

/// What others call them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOtherWords{{
    {"decay", "beta, the leak per step, or decay_input"},
    {"leak", "beta, the leak per step"},
    {"tau", "beta, the leak per step: 1 - 1/tau or exp(-1/tau), by who wrote the neuron"},
    {"tau_mem", "beta, the leak per step: 1 - 1/tau or exp(-1/tau), by who wrote the neuron"},
    {"theta", "threshold"},
    {"v_th", "threshold"},
    {"vth", "threshold"},
    {"v_threshold", "threshold"},
    {"reset_mechanism", "reset"},
    {"reset_delay", "delay"},
}};

/// The end of the error about an unknown option.
std::string option_hint(std::string_view word) {
    std::vector<std::string> words;
    for (const NeuronField& field : kFields) {
        if (field.name == word) return "; did you mean '" + std::string(field.word) + "'?";
        words.emplace_back(field.word);
    }
    for (const auto& [other, ours] : kOtherWords)
        if (other == word) return "; did you mean " + std::string(ours) + "?";
    return suggestion(word, words);
}

bool varies(const NeuronValues& values, std::string_view field) {
    return std::ranges::find(values, field, &NeuronValue::field) != values.end();
}

/// What of a neuron would do nothing, and why; empty where there is none.
std::string idle_field(const Neuron& neuron, const NeuronValues& values) {
    if ((neuron.rho != 0 || varies(values, "rho")) && !adapts(neuron, values))
        return "rho without adapt: no spike raises its threshold";
    if ((neuron.v_reset != 0 || varies(values, "v_reset")) && neuron.reset != Reset::zero)
        return "v_reset without reset=zero, which alone puts the membrane there";
    if (neuron.delay && neuron.reset == Reset::none) return "delay with reset=none: there is no reset to delay";
    return "";
}

/// `precision` 0: the shortest text that reads back as the same float.
std::string number_text(float value, int precision = 0) {
    std::array<char, 32> text{};
    char *const first = text.data(), *const last = first + text.size();
    const auto end = precision > 0 ? std::to_chars(first, last, value, std::chars_format::general, precision)
                                   : std::to_chars(first, last, value);
    return {first, end.ptr};
}

std::string wrong_reset(std::string_view word) {
    std::string known;
    for (const std::string_view reset : kResetWords) known += (known.empty() ? "" : ", ") + std::string(reset);
    return "reset is one of " + known + ", not '" + std::string(word) + "'" +
           suggestion(word, {kResetWords.begin(), kResetWords.end()});
}

std::optional<Reset> find_reset(std::string_view word) {
    const auto found = std::ranges::find(kResetWords, word);
    if (found == kResetWords.end()) return std::nullopt;
    return static_cast<Reset>(found - kResetWords.begin());
}

/// Reads an option's value for a member of a neuron, by the member's type.
struct ReadOption {
    Neuron& neuron;
    const NeuronField& field;
    bool has_value;
    std::string_view value;

    std::optional<std::string> operator()(float Neuron::*member) const {
        const auto number = number_in<float>(value);
        if (!number || !std::isfinite(*number))
            return "'" + std::string(field.word) + "' must be a finite float32, not '" + std::string(value) + "'";
        neuron.*member = *number;
        return std::nullopt;
    }
    std::optional<std::string> operator()(bool Neuron::*member) const {
        if (has_value && value != "0" && value != "1")
            return "'" + std::string(field.word) + "' takes no value, or 0 or 1";
        neuron.*member = value != "0";
        return std::nullopt;
    }
    std::optional<std::string> operator()(Reset Neuron::*member) const {
        const std::optional<Reset> reset = find_reset(value);
        if (!reset) return wrong_reset(value);
        neuron.*member = *reset;
        return std::nullopt;
    }
};

/// An option as a network text has it.
std::string option_text(const Neuron& neuron, const NeuronField& field) {
    std::string word(field.word);
    if (const auto* number = std::get_if<float Neuron::*>(&field.member))
        return word + "=" + number_text(neuron.**number);
    if (std::holds_alternative<Reset Neuron::*>(field.member))
        return word + "=" + std::string(kResetWords[static_cast<size_t>(neuron.reset)]);
    return word;
}

bool is_usual(const Neuron& neuron, const NeuronField& field) {
    const Neuron usual;
    return std::visit([&](auto member) { return neuron.*member == usual.*member; }, field.member);
}

std::string with_value(std::string_view words, const Neuron& neuron, const NeuronField& field) {
    std::string text(words);
    const size_t place = text.find("{}");
    if (place != std::string::npos)
        text.replace(place, 2, number_text(neuron.*std::get<float Neuron::*>(field.member), 6));
    return text;
}

}  // namespace

Reset parse_reset(std::string_view word) {
    const std::optional<Reset> reset = find_reset(word);
    if (!reset) throw InputError(wrong_reset(word));
    return *reset;
}

std::span<const NeuronField> neuron_fields() { return kFields; }

void check_neuron(const Neuron& neuron, const std::string& who, const NeuronValues& values) {
    for (const NeuronField& field : kFields) {
        if (!field.holds) continue;
        const float value = neuron.*std::get<float Neuron::*>(field.member);
        if (!field.holds(value))
            throw InputError(who + " has " + std::string(field.name) + " = " + number_text(value) + ", expected " +
                             (field.range == "number" ? "a finite number" : std::string(field.range)));
    }
    if (const std::string idle = idle_field(neuron, values); !idle.empty()) throw InputError(who + " has " + idle);
}

void check_neuron_values(const NeuronValues& values, const Shape& layer, const std::string& who) {
    const auto* next = kFields.begin();
    for (const NeuronValue& value : values) {
        const std::string what = who + " has values of '" + value.field + "'";
        const auto* const field =
            std::find_if(next, kFields.end(), [&](const auto& one) { return one.name == value.field; });
        if (field == kFields.end() || !field->holds)
            throw InputError(what + ", which is no number of a neuron or out of order");
        next = field + 1;
        if (value.values.shape != layer && value.values.shape != Shape{layer[0]})
            throw InputError(what + " of shape " + shape_text(value.values.shape) + ", expected " +
                             shape_text(Shape{layer[0]}) + " or " + shape_text(layer));
        for (const float number : value.values.data)
            if (!field->holds(number))
                throw InputError(what + " with " + number_text(number) + " among them, expected " +
                                 (field->range == "number" ? "finite numbers" : std::string(field->range)));
    }
}

Neuron neuron_at(const Neuron& neuron, const NeuronValues& values, int64_t channel, int64_t pixel, int64_t pixels) {
    Neuron result = neuron;
    for (const NeuronValue& value : values) {
        const auto* const field = std::ranges::find(kFields, value.field, &NeuronField::name);
        const int64_t index = value.values.shape.size() == 1 ? channel : channel * pixels + pixel;
        result.*std::get<float Neuron::*>(field->member) = value.values.data[index];
    }
    return result;
}

bool adapts(const Neuron& neuron, const NeuronValues& values) { return neuron.adapt != 0 || varies(values, "adapt"); }

std::string neuron_text(const Neuron& neuron, const NeuronValues& values) {
    const bool integrates = neuron.beta == 1 && !varies(values, "beta");
    std::string options;
    for (const NeuronField& field : kFields) {
        const auto value = std::ranges::find(values, field.name, &NeuronValue::field);
        std::string option;
        if (value != values.end())
            option = std::string(field.word) + (value->values.shape.size() == 1 ? "=*" : "=**");
        else if (!is_usual(neuron, field) && !(integrates && field.name == "beta"))
            option = option_text(neuron, field);
        if (!option.empty()) options += (options.empty() ? "" : ",") + option;
    }
    return (integrates ? "IF" : "LIF") + (options.empty() ? "" : "(" + options + ")");
}

std::optional<std::string> set_neuron_option(Neuron& neuron, std::string_view option) {
    const size_t equals = option.find('=');
    const bool has_value = equals != std::string_view::npos;
    const std::string_view word = option.substr(0, equals);
    const auto found = std::ranges::find(kFields, word, &NeuronField::word);
    if (found == kFields.end()) return "unknown neuron option '" + std::string(word) + "'" + option_hint(word);
    const std::string_view value = has_value ? option.substr(equals + 1) : std::string_view{};
    return std::visit(ReadOption{neuron, *found, has_value, value}, found->member);
}

std::string neuron_words(const Neuron& neuron) {
    const auto shown = [](float value) { return number_text(value, 6); };
    const std::array<std::string, 3> resets = {"by subtraction", "to " + shown(neuron.v_reset), "none"};
    std::string text = (neuron.beta == 1 ? "IF β " : "LIF β ") + shown(neuron.beta) + ", θ " + shown(neuron.threshold) +
                       ", fires at U " + (neuron.at_threshold ? "≥" : ">") + " θ, reset " +
                       resets[static_cast<size_t>(neuron.reset)];
    if (neuron.delay) text += ", one step later";
    if (neuron.alpha != 0) text += ", current kept by α " + shown(neuron.alpha);
    for (const NeuronField& field : kFields)
        if (!field.words.empty() && !is_usual(neuron, field)) text += ", " + with_value(field.words, neuron, field);
    return text;
}

}  // namespace spikelens
