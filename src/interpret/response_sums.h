#pragma once

#include <span>

#include "spikelens/interpret/responses.h"

namespace spikelens {

/// Throws InputError where the sums of so many samples might not fit.
void check_number(int64_t samples);

/// Sums over no samples yet.
ResponseSums empty_sums(int64_t filters, int64_t classes, const ResponseOptions& options);

/// Adds rows of responses and of predicted classes to the block under way, and a block that they fill to those that are
/// whole. They must not go beyond the block. `samples` is the caller's to count.
void add_rows(ResponseSums& sums, const FloatArray& responses, std::span<const int> predicted,
              const Execution& execution);

/// Whether both have as many filters and classes and were made with the same options.
bool same_form(const ResponseSums& a, const ResponseSums& b);

}  // namespace spikelens
