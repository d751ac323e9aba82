#include "spikelens/train/schedule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"

namespace spikelens {
namespace {

constexpr int kMostEpochs = 1'000'000'000;

/// What stands in the parentheses of "word(…)"; nothing for another text.
std::optional<std::string_view> inside(std::string_view text, std::string_view word) {
    if (!text.starts_with(word) || !text.ends_with(')') || text.size() < word.size() + 2 || text[word.size()] != '(')
        return std::nullopt;
    return text.substr(word.size() + 1, text.size() - word.size() - 2);
}

std::optional<Schedule> read_cosine(std::string_view options) {
    const auto epochs = number_in<int>(options);
    if (!epochs || *epochs < 1 || *epochs > kMostEpochs) return std::nullopt;
    return Schedule{Schedule::Kind::cosine, *epochs};
}

std::optional<Schedule> read_step(std::string_view options) {
    const size_t comma = options.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const auto epochs = number_in<int>(options.substr(0, comma));
    const auto factor = number_in<double>(options.substr(comma + 1));
    if (!epochs || *epochs < 1 || *epochs > kMostEpochs || !factor || !(*factor > 0 && *factor <= 1))
        return std::nullopt;
    return Schedule{Schedule::Kind::step, *epochs, *factor};
}

std::optional<Schedule> read(std::string_view text) {
    if (text == "constant") return Schedule{};
    if (text == "cosine") return Schedule{Schedule::Kind::cosine};
    if (const auto options = inside(text, "cosine")) return read_cosine(*options);
    if (const auto options = inside(text, "step")) return read_step(*options);
    return std::nullopt;
}

/// The shortest text that reads as the same number.
std::string exact_text(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

Schedule parse_schedule(std::string_view text) {
    const auto schedule = read(text);
    if (!schedule)
        throw InputError("the learning rate has no schedule '" + std::string(text) +
                         "'; expected constant, cosine, cosine(EPOCHS) or step(EPOCHS,FACTOR) with a factor above 0 "
                         "and at most 1, such as step(10,0.1)");
    return *schedule;
}

std::string schedule_text(const Schedule& schedule) {
    const std::string epochs = std::to_string(schedule.epochs);
    if (schedule.kind == Schedule::Kind::cosine) return schedule.epochs > 0 ? "cosine(" + epochs + ")" : "cosine";
    if (schedule.kind == Schedule::Kind::step) return "step(" + epochs + "," + exact_text(schedule.factor) + ")";
    return "constant";
}

double schedule_factor(const Schedule& schedule, int warm_up, int epochs, int64_t update, int64_t updates_per_epoch) {
    const int64_t rising = warm_up * updates_per_epoch;
    const double warm = update < rising ? static_cast<double>(update + 1) / static_cast<double>(rising) : 1;
    if (schedule.kind == Schedule::Kind::constant) return warm;
    if (schedule.kind == Schedule::Kind::step) {
        const int64_t falls = update / updates_per_epoch / schedule.epochs;
        return warm * std::pow(schedule.factor, static_cast<double>(falls));
    }
    const int64_t length = (schedule.epochs > 0 ? schedule.epochs : epochs) * updates_per_epoch - rising;
    const double done = length > 0 ? static_cast<double>(update - rising) / static_cast<double>(length) : 1;
    return warm * (1 + std::cos(std::numbers::pi * std::clamp(done, 0.0, 1.0))) / 2;
}

}  // namespace spikelens
