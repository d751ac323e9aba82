#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"
#include "spikelens/data/pictures.h"

namespace spikelens {
namespace {

constexpr int64_t kLongestSide = 16384;
using Triple = std::array<float, 3>;
constexpr Triple kImagenetMean{0.485F, 0.456F, 0.406F}, kImagenetDeviation{0.229F, 0.224F, 0.225F};

[[noreturn]] void refuse(const std::string& name, const std::string& text, const std::string& expected) {
    throw InputError(fmt::format("the {} '{}' of pictures cannot be used: expected {}", name, text, expected));
}

struct Lengths {
    int64_t height = 0, width = 0;
    bool two = false;  ///< both were given
};

Lengths parse_lengths(const std::string& name, const std::string& text) {
    const size_t cross = text.find('x');
    const auto first = number_in<int64_t>(std::string_view(text).substr(0, cross)),
               second =
                   cross == std::string::npos ? first : number_in<int64_t>(std::string_view(text).substr(cross + 1));
    const auto fits = [](const auto& length) { return length && *length >= 1 && *length <= kLongestSide; };
    if (!fits(first) || !fits(second) || *first * *second > 64'000'000)
        refuse(name, text, "a height and width such as 224x224, or one length, each 1 to 16384");
    return {*first, *second, cross != std::string::npos};
}

Triple parse_triple(const std::string& name, const std::string& text, const Triple& none, const Triple& imagenet) {
    if (text == "none") return none;
    if (text == "imagenet") return imagenet;
    Triple triple{};
    size_t place = 0, count = 0;
    for (bool more = true; more; ++count) {
        const size_t comma = text.find(',', place);
        more = comma != std::string::npos;
        const auto value = number_in<float>(std::string_view(text).substr(place, more ? comma - place : comma));
        if (count == 3 || !value || !std::isfinite(*value))
            refuse(name, text, "none, imagenet, or three numbers such as 0.5,0.5,0.5");
        triple[count] = *value;
        place = comma + 1;
    }
    if (count != 3) refuse(name, text, "none, imagenet, or three numbers such as 0.5,0.5,0.5");
    return triple;
}

std::string triple_text(const Triple& triple) { return fmt::format("{}", fmt::join(triple, ",")); }

double parse_split(const std::string& text) {
    const auto share = number_in<double>(text);
    const bool number = text.find_first_not_of("0123456789") == std::string::npos;  // 1.0 would be one picture
    const bool fits = share && *share > 0 && (*share < 1 || (number && *share < 1e9));
    if (!fits)
        refuse("split", text, "a share between 0 and 1 such as 0.8, or the number of training pictures such as 800");
    return *share;
}

void set_option(PictureOptions& options, const std::string& name, const std::string& text) {
    Framing& framing = options.framing;
    if (name == "resize") {
        const Lengths lengths = parse_lengths(name, text);
        if (lengths.two)
            framing.height = lengths.height, framing.width = lengths.width;
        else
            framing.shorter = lengths.height;
    } else if (name == "crop") {
        const Lengths lengths = parse_lengths(name, text);
        framing.crop_height = lengths.height, framing.crop_width = lengths.width;
    } else if (name == "mean") {
        options.mean = parse_triple(name, text, {0, 0, 0}, kImagenetMean);
    } else if (name == "std") {
        options.deviation = parse_triple(name, text, {1, 1, 1}, kImagenetDeviation);
        if (std::ranges::any_of(options.deviation, [](float value) { return !(value > 0); }))
            refuse(name, text, "numbers above 0");
    } else if (name == "split") {
        options.split = parse_split(text);
    } else if (name == "split_seed") {
        const auto seed = number_in<uint64_t>(text);
        if (!seed) refuse("split seed", text, "a whole number of 0 or more");
        options.split_seed = *seed;
    } else if (name == "damaged") {
        if (text != "stop" && text != "skip") refuse(name, text, "stop or skip");
        options.skip_damaged = text == "skip";
    } else if (name == "background") {
        options.background = parse_background(text);
    } else {
        throw InputError(fmt::format(
            "pictures have no option '{}'{}", name,
            suggestion(name, {"resize", "crop", "mean", "std", "split", "split_seed", "damaged", "background"})));
    }
}

std::string lengths_text(int64_t height, int64_t width) { return fmt::format("{}x{}", height, width); }

}  // namespace

PictureOptions parse_pictures(const PictureWords& words) {
    PictureOptions options;
    for (const auto& [name, text] : words) set_option(options, name, text);
    if (words.contains("split_seed") && options.split == 0)
        throw InputError("a split seed is of a split: the training part is needed, such as 0.8");
    return options;
}

PictureWords picture_words(const PictureOptions& options) {
    const Framing& framing = options.framing;
    PictureWords words;
    if (framing.shorter > 0) words["resize"] = std::to_string(framing.shorter);
    if (framing.height > 0) words["resize"] = lengths_text(framing.height, framing.width);
    if (framing.crop_height > 0) words["crop"] = lengths_text(framing.crop_height, framing.crop_width);
    if (options.mean != Triple{0, 0, 0}) words["mean"] = triple_text(options.mean);
    if (options.deviation != Triple{1, 1, 1}) words["std"] = triple_text(options.deviation);
    if (options.split > 0) {
        words["split"] = fmt::format("{}", options.split);
        words["split_seed"] = std::to_string(options.split_seed);
    }
    if (options.skip_damaged) words["damaged"] = "skip";
    if (options.background.rgb != Background{}.rgb) words["background"] = options.background.name;
    return words;
}

}  // namespace spikelens
