#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "fixture.h"

namespace spikelens::report_test {

struct MethodTraits {
    const char *name, *title, *meaning;
    bool is_signed, baseline;
    double insertion, deletion, seconds;
};

/// Of the report's explained samples.
std::span<const MethodTraits> methods_of(const FixtureOptions& options);

/// A document as the stage evaluate writes it, of these methods.
nlohmann::json evaluation(const FixtureOptions& options);

}  // namespace spikelens::report_test
