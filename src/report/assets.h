#pragma once

#include <string_view>

namespace spikelens::report {

/// The front end, from assets/, compiled in.
std::string_view report_css();
std::string_view report_js();

}  // namespace spikelens::report
