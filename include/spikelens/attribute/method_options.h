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
};

/// The options that a method given as this text takes, in the order in which it reads them. An option that only another one
/// brings in ("svebi:weights=exponential" brings decay) shows when that one is given. Throws InputError as parse_method does.
std::vector<MethodOption> method_options(std::string_view text);

}  // namespace spikelens
