#pragma once

#include "fixture.h"

namespace spikelens::report_test {

/// Makes the report's images recordings: synthetic spikes, their clouds, and clouds and windows of the methods 1 to 3
/// (two signed, one not), the first of them all zero in the second image and not finite in the third when broken.
void add_recordings(const FixtureOptions& options, ReportData& data);

}  // namespace spikelens::report_test
