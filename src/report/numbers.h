#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikelens::report {

/// Numbers as the report writes them; an em dash for NaN and infinity, a real minus sign.
std::string decimal(double value, int digits = 3);
std::string brief(double value);                                ///< two significant digits
std::string compact(double value);                              ///< four significant digits, no trailing zeros
std::string scientific(double value);                           ///< "3e-13"
std::string percent(double share, int digits = 1);              ///< 0.889 → "88.9 %"
std::string points(double share, int digits = 1);               ///< 0.097 → "9.7 points"
std::string count(int64_t value);                               ///< "10,000"
std::string seconds(double value);                              ///< "0.4 ms", "12 s", "5 min 1 s"
std::string interval(double low, double high, int digits = 3);  ///< "[0.847, 0.891]", empty when unknown
std::string percent_interval(double low, double high);          ///< "98.5–98.9 %", empty when unknown

/// "1 filter", "2 filters".
std::string plural(int64_t number, std::string_view noun);

}  // namespace spikelens::report
