#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

/// One option of a method: "ig2d:steps=64" sets its option steps.
struct MethodOption {
    std::string name;      ///< "steps"
    std::string standard;  ///< the value it has unless given, "32"; empty where the method chooses by itself
    std::string expected;  ///< "a whole number from 1 to 100000"
    std::string meaning;   ///< "points on the path"
};

/// The options that a method given as this text takes, in the order in which it reads them. An option that only another
/// one brings in ("svebi:weights=exponential" brings decay) shows when that one is given. Throws InputError as
/// parse_method does.
std::vector<MethodOption> method_options(std::string_view text);

/// The same but for view, which every method takes, as a sentence: "steps=32 (a whole number from 1 to 100000): points
/// on the path; …". Empty where there are none.
std::string options_text(std::string_view text);

}  // namespace spikelens
